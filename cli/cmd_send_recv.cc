// send and recv: one file between two machines, with no server set up.
#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/printer.h"
#include "cli/quantity.h"
#include "cli/stop_signals.h"
#include "client/plain.h"

namespace sluice::cli {

namespace {

struct direct_flags {
  std::string file;     // what to send, or where to receive to
  std::string connect;  // HOST:PORT
  std::string listen;
  bool plain = false;
  double timeout_s = 30;
  output_flags output;
  client::plain_receive_options receive;  // the part of both, and what only recv has
};

constexpr std::string_view plain_text =
    "With --plain the wire is that of the classic socket exercise: a 4-byte little-endian signed "
    "length, that many bytes, then close. It is neither encrypted nor verified, knows no file "
    "names, "
    "cannot resume, and carries at most 2,147,483,647 bytes. Either side may be the one that "
    "listens.";

// Puts what the flags say into `receive`; tells what does not fit together.
result<void> settle(direct_flags& flags, printer& out, const stop_signals& signals) {
  if (!flags.plain) {
    return fail(errc::unsupported, "transfer directly: only --plain works so far, on both sides");
  }
  if (flags.connect.empty() == flags.listen.empty()) {
    return fail(errc::invalid_argument,
                "give either HOST:PORT to connect to, or --listen HOST:PORT to wait there");
  }
  client::plain_options& options = flags.receive;
  options.listen = !flags.listen.empty();
  auto where = parse_host_port(options.listen ? flags.listen : flags.connect);
  if (!where) return std::unexpected(std::move(where).error());
  if (!options.listen && (where->port == 0 || where->host.empty())) {
    return fail(errc::invalid_argument,
                "connect to \"" + flags.connect + "\": give a host and a port");
  }
  options.where = std::move(*where);
  options.timeout = as_timeout(flags.timeout_s);
  options.stop = signals.token();
  options.on_listening = [&out](const std::string& address) {
    out.address_line("listening on " + address, {{"event", "listening"}, {"address", address}});
  };
  return {};
}

int finish(printer& out, std::string_view verb, const result<std::uint64_t>& moved) {
  if (!moved && moved.error().code == errc::cancelled) {
    return out.failed(moved.error(), "run it again; with --plain it begins anew");
  }
  if (!moved && moved.error().code == errc::frame_too_large && verb == "sent") {
    return out.failed(moved.error(),
                      "serve the folder with \"sluice serve\" and use \"sluice get\"");
  }
  if (!moved) return out.failed(moved.error());
  const double seconds = static_cast<double>(out.elapsed().count()) / 1000;
  const std::string text =
      std::string(verb) + " " + human_bytes(*moved) + " in " + human_duration(out.elapsed());
  return out.done(text, {{"bytes", *moved}, {"seconds", seconds}});
}

int run_send(direct_flags& flags) {
  const stop_signals signals;
  printer out(flags.output);
  if (auto settled = settle(flags, out, signals); !settled) return out.failed(settled.error());
  return finish(out, "sent", client::send_plain(flags.file, flags.receive, out));
}

int run_recv(direct_flags& flags) {
  const stop_signals signals;
  printer out(flags.output, flags.file == "-");
  if (auto settled = settle(flags, out, signals); !settled) return out.failed(settled.error());
  if (flags.file.empty()) {
    return out.failed({errc::invalid_argument, "receive a file: the plain wire carries no name"},
                      "give one with -o FILE, or -o - for standard output");
  }
  return finish(out, "received", client::receive_plain(flags.file, flags.receive, out));
}

void add_common_flags(CLI::App& app, direct_flags& flags) {
  app.add_option("HOST:PORT", flags.connect, "Whom to connect to, unless --listen is given.");
  app.add_option("--listen", flags.listen,
                 "Wait for the other side on this address instead, and print it; port 0 lets the "
                 "system pick one.")
      ->type_name("HOST:PORT");
  app.add_flag("--plain", flags.plain, "Speak the plain wire; both sides must.");
  add_timeout_flag(app, flags.timeout_s);
  add_output_flags(app, flags.output);
}

}  // namespace

runner declare_send(CLI::App& app) {
  describe(
      app,
      "Sends one file to a \"sluice recv\" or a program like it.\n\n" + std::string(plain_text),
      {{"Wait for a receiver", "sluice send --plain day1.mov --listen 127.0.0.1:9000"},
       {"Send to a receiver that waits", "sluice send --plain day1.mov 192.0.2.7:9000"}});
  auto flags = std::make_shared<direct_flags>();
  app.add_option("FILE", flags->file, "The file to send.")->required();
  add_common_flags(app, *flags);
  return [flags] { return run_send(*flags); };
}

runner declare_recv(CLI::App& app) {
  describe(
      app,
      "Receives one file from a \"sluice send\" or a program like it. The file gets its name "
      "when all of it is there and safe on the disk; nothing is left of one that ends early.\n\n" +
          std::string(plain_text),
      {{"Wait for a sender", "sluice recv --plain -o day1.mov --listen 127.0.0.1:9000"},
       {"Fetch from a sender that waits", "sluice recv --plain -o day1.mov 192.0.2.7:9000"}});
  auto flags = std::make_shared<direct_flags>();
  app.add_option("-o,--output", flags->file,
                 "The file to write; \"-\" is standard output. Needed with --plain.")
      ->type_name("FILE");
  app.add_flag("--overwrite", flags->receive.overwrite, "Replace a file of that name.");
  app.add_option("--max-bytes", flags->receive.max_bytes, "Refuse an announced length over this.")
      ->type_name("N")
      ->check(in_range(0, static_cast<double>(client::plain_bytes_max)))
      ->capture_default_str();
  add_common_flags(app, *flags);
  return [flags] { return run_recv(*flags); };
}

}  // namespace sluice::cli
