#include "cli/direct.h"

#include <memory>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "cli/keys.h"
#include "cli/printer.h"
#include "cli/quantity.h"
#include "cli/stop_signals.h"
#include "server/offering.h"
#include "server/reachable.h"

namespace sluice::cli {
namespace {

std::string_view advice_on(errc code) noexcept {
  if (code == errc::not_allowed) return "check the key: the side that listens prints it";
  if (code == errc::cancelled) return "run both sides again to resume";
  return advice(code);
}

// The key leaves the command line as soon as it was read: other users see that (ps).
result<net::direct_key> key_of(direct_flags& flags, bool listens) {
  if (flags.key.empty()) {
    if (listens) return net::direct_key::make();
    return fail(errc::invalid_argument, "give --key, as the side that listens prints it");
  }
  hide_argument(flags.key);
  auto parsed = net::direct_key::parse(flags.key);
  base::wipe(flags.key);
  return parsed;
}

// What to type on the other machine, for each address of this one. A key that was given is known
// there, and is not printed.
class invitation {
 public:
  invitation(printer& out, std::string verb, std::shared_ptr<const net::direct_key> shown)
      : out_(out), verb_(std::move(verb)), key_(std::move(shown)) {}

  void tell(const host_port& listening) const {
    for (const auto& where : server::reachable_at(listening)) {
      const std::string address = to_string(where);
      std::string command = "sluice " + verb_ + " " + address;
      if (key_) command += " --key " + std::string(key_->reveal());
      nlohmann::ordered_json event{
          {"event", "listening"}, {"address", address}, {"command", command}};
      if (key_) event["key"] = key_->reveal();
      out_.address_line("on the other machine: " + command + (key_ ? "" : " --key (the same)"),
                        event);
      base::wipe(command);
    }
  }

 private:
  printer& out_;
  const std::string verb_;
  const std::shared_ptr<const net::direct_key> key_;  // null: it was given
};

// `verb`: what the other side does.
result<net::direct_options> meeting_of(direct_flags& flags, printer& out, const std::string& verb) {
  net::direct_options meeting;
  meeting.listens = !flags.listen.empty();
  auto where = meeting_place(flags);
  if (!where) return std::unexpected(std::move(where).error());
  meeting.where = std::move(*where);
  meeting.timeout = as_timeout(flags.timeout_s);
  const bool was_given = !flags.key.empty();
  auto key = key_of(flags, meeting.listens);
  if (!key) return std::unexpected(std::move(key).error());
  meeting.key = std::make_shared<const net::direct_key>(std::move(*key));
  const auto told =
      std::make_shared<const invitation>(out, verb, was_given ? nullptr : meeting.key);
  meeting.on_listening = [told](const host_port& at) { told->tell(at); };
  return meeting;
}

client::progress shown(const server::offering_progress& now) {
  return {.now = now.has_receiver ? client::phase::sending : client::phase::connecting,
          .path = now.name,
          .bytes_done = now.bytes_done,
          .bytes_total = now.bytes_total,
          .files_done = 0,
          .files_total = {}};
}

}  // namespace

result<host_port> meeting_place(const direct_flags& flags) {
  if (flags.connect.empty() == flags.listen.empty()) {
    return fail(errc::invalid_argument,
                "give either HOST:PORT to connect to, or --listen HOST:PORT to wait there");
  }
  const bool listens = !flags.listen.empty();
  auto where = parse_host_port(listens ? flags.listen : flags.connect);
  if (!where) return std::unexpected(std::move(where).error());
  if (!listens && (where->port == 0 || where->host.empty())) {
    return fail(errc::invalid_argument,
                "connect to \"" + flags.connect + "\": give a host and a port");
  }
  return where;
}

int send_direct(direct_flags& flags) {
  const stop_signals signals;
  printer out(flags.output);
  base::set_log_level(base::log_level::warning);
  auto meeting = meeting_of(flags, out, "recv");
  if (!meeting) return out.failed(meeting.error());
  server::offering_options options;
  options.source = flags.file;
  options.meeting = std::move(*meeting);
  options.stop = signals.token();
  options.on_progress = [&out](const auto& now) { out.on_progress(shown(now)); };
  options.on_notice = [&out](std::string_view text) { out.on_notice(text); };
  const auto sent = server::offer(options);
  if (!sent) return out.failed(sent.error(), advice_on(sent.error().code));
  const std::string text = "sent " + human_bytes(sent->bytes_sent) + " in " +
                           human_duration(out.elapsed()) +
                           (sent->is_folder || sent->bytes_sent == sent->bytes
                                ? ""
                                : "; all " + human_bytes(sent->bytes) + " are there");
  nlohmann::ordered_json facts{{"bytes_moved", sent->bytes_sent}};
  if (!sent->is_folder) facts["bytes"] = sent->bytes;
  facts["seconds"] = static_cast<double>(out.elapsed().count()) / 1000;
  return out.done(text, facts);
}

int receive_direct(direct_flags& flags) {
  const stop_signals signals;
  printer out(flags.output, flags.file == "-");
  auto meeting = meeting_of(flags, out, "send FILE");
  if (!meeting) return out.failed(meeting.error());
  client::receive_options options;
  options.meeting = std::move(*meeting);
  options.overwrite = flags.overwrite;
  options.timeout = as_timeout(flags.timeout_s);
  options.stop = signals.token();
  const auto got = client::receive(flags.file, options, out);
  if (!got) return out.failed(got.error(), advice_on(got.error().code));
  return out.done(summary_text("received", *got, out.elapsed()),
                  summary_facts(*got, out.elapsed()));
}

}  // namespace sluice::cli
