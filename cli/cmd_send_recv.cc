// send and recv: one file between two machines, with no server set up.
#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/direct.h"
#include "cli/printer.h"
#include "cli/quantity.h"
#include "cli/stop_signals.h"
#include "client/plain.h"

namespace sluice::cli {

namespace {

struct send_recv_flags : direct_flags {
  client::plain_receive_options receive;  // of --plain: the part of both, and what only recv has
};

constexpr std::string_view direct_text =
    "Either side may be the one that listens; that one prints the command for the other, with a "
    "key that is made for this transfer alone. All is encrypted, also on this machine, and the key "
    "proves each side to the other: who has it not gets nothing, not even a name. Every block is "
    "verified from disk to disk, and the file gets its name when all of it is there and safe. "
    "Both commands end when that is so.\n\n"
    "After an interruption run both again, and the transfer goes on where it was. The side that "
    "listens waits for the other one by itself. With --key, or SLUICE_KEY in the environment, it "
    "takes an earlier key in place of a new one, so that the other side's command stays the "
    "same.";

constexpr std::string_view plain_text =
    "With --plain the wire is that of the classic socket exercise: a 4-byte little-endian signed "
    "length, that many bytes, then close. It is neither encrypted nor verified, knows no key and "
    "no file names, cannot resume, and carries at most 2,147,483,647 bytes.";

std::string about(std::string_view begin) {
  return std::string(begin) + "\n\n" + std::string(direct_text) + "\n\n" + std::string(plain_text);
}

// Puts what the flags say into `receive`; tells what does not fit together.
result<void> settle(send_recv_flags& flags, printer& out, const stop_signals& signals) {
  if (!flags.key.empty()) {
    return fail(errc::invalid_argument, "--plain knows no key: leave --key or --plain away");
  }
  client::plain_options& options = flags.receive;
  options.listen = !flags.listen.empty();
  auto where = meeting_place(flags);
  if (!where) return std::unexpected(std::move(where).error());
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
    return out.failed(moved.error(), "leave --plain away on both sides");
  }
  if (!moved) return out.failed(moved.error());
  const double seconds = static_cast<double>(out.elapsed().count()) / 1000;
  const std::string text =
      std::string(verb) + " " + human_bytes(*moved) + " in " + human_duration(out.elapsed());
  return out.done(text, {{"bytes", *moved}, {"seconds", seconds}});
}

int run_send(send_recv_flags& flags) {
  if (!flags.plain) return send_direct(flags);
  const stop_signals signals;
  printer out(flags.output);
  if (auto settled = settle(flags, out, signals); !settled) return out.failed(settled.error());
  return finish(out, "sent", client::send_plain(flags.file, flags.receive, out));
}

int run_recv(send_recv_flags& flags) {
  if (!flags.plain) return receive_direct(flags);
  const stop_signals signals;
  printer out(flags.output, flags.file == "-");
  if (auto settled = settle(flags, out, signals); !settled) return out.failed(settled.error());
  if (flags.file.empty()) {
    return out.failed({errc::invalid_argument, "receive a file: the plain wire carries no name"},
                      "give one with -o FILE, or -o - for standard output");
  }
  flags.receive.overwrite = flags.overwrite;
  return finish(out, "received", client::receive_plain(flags.file, flags.receive, out));
}

void add_common_flags(CLI::App& app, send_recv_flags& flags) {
  app.add_option("HOST:PORT", flags.connect, "Whom to connect to, unless --listen is given.");
  app.add_option("--listen", flags.listen,
                 "Wait for the other side on this address instead, and print the command for it; "
                 "port 0 lets the system pick one, and 0.0.0.0 is every address of this machine.")
      ->type_name("HOST:PORT");
  app.add_option("--key", flags.key,
                 "The key that the side that listens prints. It is taken out of what other users "
                 "see of this command line.")
      ->type_name("KEY");
  app.add_flag("--plain", flags.plain, "Speak the plain wire; both sides must.");
  add_timeout_flag(app, flags.timeout_s);
  add_output_flags(app, flags.output);
}

}  // namespace

runner declare_send(CLI::App& app) {
  describe(app, about("Sends one file, or a folder with all in it, to a \"sluice recv\"."),
           {{"Wait for a receiver", "sluice send day1.mov --listen 0.0.0.0:9000"},
            {"Send to a receiver that waits", "sluice send day1.mov 192.0.2.7:9000 --key KEY"},
            {"By the plain wire", "sluice send --plain day1.mov 192.0.2.7:9000"}});
  auto flags = std::make_shared<send_recv_flags>();
  app.add_option("FILE", flags->file,
                 "What to send; of a symbolic link, what it leads to, under that name. Names that "
                 "begin with a dot do not travel.")
      ->required();
  add_common_flags(app, *flags);
  return [flags] { return run_send(*flags); };
}

runner declare_recv(CLI::App& app) {
  describe(app,
           about("Receives from a \"sluice send\". Nothing is overwritten unasked: where another "
                 "file has the name already, the command ends with exit code 6.\n\n"
                 "What an interruption left is in a hidden file beside the target, "
                 ".NAME.sluice-part."),
           {{"Wait for a sender", "sluice recv --listen 0.0.0.0:9000 -o /media/in/"},
            {"Fetch from a sender that waits", "sluice recv 192.0.2.7:9000 --key KEY"},
            {"By the plain wire", "sluice recv --plain -o day1.mov 192.0.2.7:9000"}});
  auto flags = std::make_shared<send_recv_flags>();
  app.add_option("-o,--output", flags->file,
                 "A folder that exists or ends with '/', a file name, or \"-\" for standard "
                 "output. Without it, the working folder; --plain needs a file name or \"-\".")
      ->type_name("FILE|DIR");
  app.add_flag("--overwrite", flags->overwrite, "Replace a file of that name.");
  app.add_option("--max-bytes", flags->receive.max_bytes,
                 "With --plain: refuse an announced length over this.")
      ->type_name("N")
      ->check(in_range(0, static_cast<double>(client::plain_bytes_max)))
      ->capture_default_str();
  add_common_flags(app, *flags);
  return [flags] { return run_recv(*flags); };
}

}  // namespace sluice::cli
