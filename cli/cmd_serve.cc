#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/secret.h"
#include "cli/printer.h"
#include "cli/qr_code.h"
#include "cli/quantity.h"
#include "client/url.h"
#include "server/server.h"

namespace sluice::cli {

namespace {

struct serve_flags {
  std::string root = ".";
  std::vector<std::string> listen{"127.0.0.1:8080"};
  std::vector<std::string> admin_listen;
  std::string data;
  std::string log_level = "info";
  std::string open_to_all = "none";
  bool plaintext = false;
  std::string tls;
  std::string tls_cert;
  std::string tls_key;
  server::options server;
  output_flags output;
};

const std::map<std::string, base::log_level> log_levels{{"debug", base::log_level::debug},
                                                        {"info", base::log_level::info},
                                                        {"warning", base::log_level::warning},
                                                        {"error", base::log_level::error},
                                                        {"off", base::log_level::off}};

const std::map<std::string, base::rights> publics{
    {"none", {}},
    {"read", {base::right::see, base::right::take}},
    {"write",
     {base::right::see, base::right::take, base::right::give, base::right::change,
      base::right::talk}}};

constexpr std::chrono::hours upload_expiry_max{24 * 3650};

std::string in_lower_case(std::string& name) {
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
  return "";
}

// Who may reach an address of other machines says how: encrypted, or meant to be plain.
result<std::vector<host_port>> addresses(const std::vector<std::string>& texts, bool may_be_any,
                                         const std::string& what_to_do) {
  std::vector<host_port> listen;
  for (const std::string& text : texts) {
    auto where = parse_host_port(text);
    if (!where) return std::unexpected(std::move(where).error());
    if (!may_be_any && !client::is_loopback(where->host)) {
      return fail(errc::invalid_argument,
                  fmt::format("listen on {}: others could reach this address, and nothing would be "
                              "encrypted; {}",
                              text, what_to_do));
    }
    listen.push_back(std::move(*where));
  }
  return listen;
}

// A terminal shows the links, the first one as a picture for a phone, too. What goes elsewhere may
// be kept by others for long, and has the name of the file only.
void tell_owner_key(printer& out, const serve_flags& flags, const base::secret& key,
                    const std::string& file, const std::vector<host_port>& where) {
  out.address_line("the owner's key is in " + file + ": whoever has it may do all here",
                   {{"event", "owner_key"}, {"file", file}});
  if (flags.output.json || ::isatty(STDOUT_FILENO) != 1) return;
  const std::string scheme = flags.server.tls.is_on() ? "https://" : "http://";
  for (const auto& one : where) {
    std::string link = fmt::format("{}{}/#key={}", scheme, to_string(one), key.reveal());
    const std::string picture = &one == where.data() ? qr_code(link) : "";
    std::puts(link.c_str());
    std::fputs(picture.c_str(), stdout);
    base::wipe(link);
  }
  std::fflush(stdout);
}

result<server::tls_options> tls_of(const serve_flags& flags) {
  server::tls_options tls;
  tls.automatic = !flags.tls.empty();
  if (flags.tls_cert.empty() != flags.tls_key.empty()) {
    return fail(errc::invalid_argument, "--tls-cert and --tls-key go together: give both");
  }
  if (tls.automatic && !flags.tls_cert.empty()) {
    return fail(errc::invalid_argument, "give either --tls auto or --tls-cert and --tls-key");
  }
  if (!flags.tls_cert.empty()) tls.files = {flags.tls_cert, flags.tls_key};
  if (tls.is_on() && flags.plaintext) {
    return fail(errc::invalid_argument,
                "--plaintext says that nothing is encrypted, and --tls that all is: give one");
  }
  return tls;
}

// To log in is no advice for who serves.
std::string_view advice_on(errc code) noexcept {
  return code == errc::not_allowed ? "check the permissions of the folder" : advice(code);
}

int run_serve(serve_flags& flags) {
  printer out(flags.output);
  auto tls = tls_of(flags);
  if (!tls) return out.failed(tls.error());
  auto listen = addresses(flags.listen, flags.plaintext || tls->is_on(),
                          "--tls auto or --tls-cert and --tls-key encrypt, --plaintext says that "
                          "this is meant");
  if (!listen) return out.failed(listen.error());
  auto admin_listen = addresses(flags.admin_listen, flags.plaintext,
                                "what is for the operator is always plain; --plaintext says that "
                                "this is meant");
  if (!admin_listen) return out.failed(admin_listen.error());
  base::set_log_level(log_levels.at(flags.log_level));
  server::options& settings = flags.server;
  settings.root = flags.root;
  settings.data_dir = flags.data;
  settings.storage.of_strangers = publics.at(flags.open_to_all);
  if (!settings.storage.of_strangers.is_none()) {
    base::log_warning(
        "everyone who can reach this server may {} here, without a login (--public {})",
        flags.open_to_all == "read" ? "read" : "read and write", flags.open_to_all);
  }
  settings.on_owner_key = [&out, &flags](const base::secret& key, const auto& file,
                                         const auto& where) {
    tell_owner_key(out, flags, key, file.string(), where);
  };
  settings.listen = std::move(*listen);
  settings.admin_listen = std::move(*admin_listen);
  settings.tls = std::move(*tls);
  settings.on_certificate = [&out](std::string_view fingerprint) {
    out.address_line("certificate " + std::string(fingerprint),
                     {{"event", "certificate"}, {"fingerprint", fingerprint}});
  };
  settings.on_listening = [&out, &flags](std::string_view url) {
    out.address_line("serving " + flags.root + " on " + std::string(url),
                     {{"event", "listening"}, {"folder", flags.root}, {"url", url}});
  };
  settings.on_admin_listening = [&out](std::string_view url) {
    out.address_line("health and metrics on " + std::string(url),
                     {{"event", "admin"}, {"url", url}});
  };
  const auto served = server::serve(settings);
  if (served) return out.done("", nlohmann::ordered_json::object());
  return out.failed(served.error(), advice_on(served.error().code));
}

void add_limits(CLI::App& app, serve_flags& flags) {
  app.add_option("--backlog", flags.server.backlog,
                 "Connections that the system holds until they are accepted, for each address.")
      ->type_name("N")
      ->check(in_range(1, 1 << 20))
      ->capture_default_str();
  app.add_option(
         "--max-connections", flags.server.max_connections,
         "Connections at the same time, over all addresses; the next client is told that the "
         "server is busy.")
      ->type_name("N")
      ->check(in_range(1, 1 << 20))
      ->capture_default_str();
  app.add_option(
         "--max-connections-per-address", flags.server.max_connections_of_an_address,
         "The same for each address that clients come from (of IPv6 its first 64 bits); 0: as many "
         "as there are.")
      ->type_name("N")
      ->check(in_range(0, 1 << 20))
      ->capture_default_str();
  app.add_option("--threads", flags.server.threads,
                 "Threads that move bytes; 0: one for each core.")
      ->type_name("N")
      ->check(in_range(0, 1024))
      ->capture_default_str();
}

// `other` follows the flag where it is given, and has a default of its own.
void add_deadline(CLI::App& app, const std::string& flag, std::chrono::milliseconds& value,
                  const std::string& usual, const std::string& what,
                  std::chrono::milliseconds* other = nullptr) {
  const auto check = [](const std::string& text) -> std::string {
    if (parse_duration(text)) return "";
    return "\"" + text + "\" is no time from 1ms to 24h";
  };
  const auto take = [&value, other](const std::string& text) {
    value = parse_duration(text).value();
    if (other != nullptr) *other = value;
  };
  app.add_option_function<std::string>(flag, take, what + " Like 500ms, 10s, 5min, 2h.")
      ->type_name("TIME")
      ->check(CLI::Validator(check, ""))
      ->default_str(usual);
}

void add_storage_limits(CLI::App& app, server::storage_options& storage) {
  add_size_flag(app, "--reserve", storage.reserve_bytes, "SIZE",
                "Free space of the volume that uploads leave alone.");
  add_size_flag(app, "--partials-max", storage.partials_max_bytes, "SIZE",
                "The most that all unfinished uploads may take together; without it, what the "
                "volume has.");
  add_size_flag(app, "--scrub-rate", storage.scrub_bytes_per_second, "SIZE/s",
                "The most that one \"sluice scrub\" of this server may read in a second.");
  const auto check = [](const std::string& text) -> std::string {
    const auto time = parse_duration(text, upload_expiry_max);
    if (time && *time >= std::chrono::seconds(1)) return "";
    return "\"" + text + "\" is no time from 1s to 3650d";
  };
  const auto take = [&storage](const std::string& text) {
    storage.upload_expiry = std::chrono::duration_cast<std::chrono::seconds>(
        parse_duration(text, upload_expiry_max).value());
  };
  app.add_option_function<std::string>(
         "--upload-expiry", take,
         "An unfinished upload that nobody writes to for so long, while a server runs, is thrown "
         "away. Like 12h, 7d.")
      ->type_name("TIME")
      ->check(CLI::Validator(check, ""))
      ->default_str("7d");
}

void add_deadlines(CLI::App& app, server::options& settings) {
  native::session_limits& limits = settings.limits;
  http::connection_limits& http = settings.http_limits;
  add_deadline(app, "--handshake-timeout", limits.handshake, "10s",
               "A client that has not introduced itself by then is closed; over HTTP, one whose "
               "request's head is not whole.",
               &http.head);
  add_deadline(
      app, "--idle-timeout", limits.idle, "10min",
      "A connection on which nothing is asked for so long is closed; over HTTP, without this "
      "flag, after 1min.",
      &http.idle);
  add_deadline(app, "--stall-timeout", limits.stall, "30s",
               "A client that stops in the middle of a message, or does not take its replies, for "
               "so long is closed.",
               &http.stall);
  add_deadline(app, "--drain-timeout", settings.drain, "30s",
               "How long running transfers may go on once the server is told to stop.");
}

void add_encryption(CLI::App& app, serve_flags& flags) {
  app.add_option("--tls", flags.tls,
                 "\"auto\": encrypt, with a certificate of the server's own that is made once and "
                 "kept in the data folder. Its fingerprint is printed; clients keep it at first "
                 "sight and believe no other.")
      ->type_name("auto")
      ->check(one_of({"auto"}));
  app.add_option("--tls-cert", flags.tls_cert,
                 "Encrypt, with this certificate: a PEM file with all between it and a root. It "
                 "and its key are read anew at SIGHUP, for connections from then on.")
      ->type_name("FILE");
  app.add_option("--tls-key", flags.tls_key, "The key of --tls-cert: a PEM file.")
      ->type_name("FILE");
  app.add_flag("--plaintext", flags.plaintext,
               "Listen on addresses that other machines can reach, without encryption.");
}

}  // namespace

runner declare_serve(CLI::App& app) {
  describe(
      app,
      "Serves an ordinary folder as it is: files keep their names, and files that are copied in "
      "by hand appear. A file that is being uploaded appears when it is whole and verified.\n\n"
      "Prints one line for each address, then logs to standard error. SIGINT or SIGTERM lets "
      "running transfers end, a second one ends the program at once.",
      {{"Serve a folder on this machine only", "sluice serve /films"},
       {"Serve it to others, encrypted", "sluice serve /films --listen 0.0.0.0:8080 --tls auto"},
       {"Serve it to a trusted network", "sluice serve /films --listen 0.0.0.0:8080 --plaintext"},
       {"Let the system pick the port, and print it", "sluice serve --listen 127.0.0.1:0"}});
  auto flags = std::make_shared<serve_flags>();
  app.add_option("DIR", flags->root, "The folder to serve; without it, the working folder.");
  app.add_option(
         "--listen", flags->listen,
         "Address to listen on; may be repeated. Port 0 lets the system pick one. An address "
         "that other machines can reach needs --tls, --tls-cert or --plaintext.")
      ->type_name("HOST:PORT")
      ->allow_extra_args(false)
      ->delimiter(',')
      ->default_str("127.0.0.1:8080");
  app.add_option("--admin-listen", flags->admin_listen,
                 "Address for /health and /metrics (Prometheus), for the operator and not for "
                 "clients; may be repeated. Without it there are none.")
      ->type_name("HOST:PORT")
      ->allow_extra_args(false)
      ->delimiter(',');
  app.add_option("--host", flags->server.hosts,
                 "Name that browsers may know this server by, besides localhost and addresses; may "
                 "be repeated. Requests over HTTP for other names are refused.")
      ->type_name("NAME")
      ->allow_extra_args(false)
      ->delimiter(',')
      ->transform(CLI::Validator(in_lower_case, ""));
  app.add_option(
         "--public", flags->open_to_all,
         "What those may do who do not log in: nothing, read, or read and write. All else "
         "needs an account (\"sluice user\"), or the owner's key, which the first start makes "
         "and keeps in the file owner-key of the data folder.")
      ->type_name("none|read|write")
      ->check(one_of({"none", "read", "write"}))
      ->default_str("none");
  app.add_option("--data", flags->data,
                 "Folder for the server's own state: the catalog and partial uploads. Without it, "
                 ".sluice in the served folder.")
      ->type_name("DIR");
  add_limits(app, *flags);
  add_storage_limits(app, flags->server.storage);
  add_deadlines(app, flags->server);
  app.add_option("--log-level", flags->log_level, "The least that is logged.")
      ->type_name("debug|info|warning|error|off")
      ->check(one_of({"debug", "info", "warning", "error", "off"}))
      ->default_str("info");
  add_encryption(app, *flags);
  app.add_flag("--json", flags->output.json,
               "Print the addresses as one JSON object a line, on standard output.");
  return [flags] { return run_serve(*flags); };
}

}  // namespace sluice::cli
