#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/printer.h"
#include "cli/quantity.h"
#include "client/known_hosts.h"

namespace sluice::cli {

namespace {

struct hosts_flags {
  std::string action;
  std::string host;
  client::security security;
  output_flags output;
};

int list(printer& out, const client::known_hosts& known) {
  const auto found = known.list();
  if (!found) return out.failed(found.error());
  for (const auto& [authority, fingerprint] : *found) {
    out.result_line(fmt::format("{} {}", authority, fingerprint),
                    {{"event", "host"}, {"host", authority}, {"fingerprint", fingerprint}});
  }
  return out.done("", {{"hosts", found->size()}, {"file", known.file().string()}});
}

int forget(printer& out, const client::known_hosts& known, const std::string& host) {
  const auto forgotten = known.forget(host);
  if (!forgotten) return out.failed(forgotten.error());
  if (*forgotten == 0) {
    return out.failed(
        {errc::not_found, "forget " + host + ": " + known.file().string() + " has no such host"});
  }
  return out.done("forgot " + counted(*forgotten, "certificate") + " of " + host,
                  {{"host", host}, {"forgotten", *forgotten}});
}

int run_hosts(const hosts_flags& flags) {
  printer out(flags.output);
  const std::string file = flags.security.known_hosts.empty() ? client::default_known_hosts()
                                                              : flags.security.known_hosts;
  if (file.empty()) {
    return out.failed({errc::invalid_argument,
                       "find the known hosts: there is no home folder; give --known-hosts FILE"});
  }
  const client::known_hosts known(file);
  const bool lists = flags.action == "list";
  if (lists != flags.host.empty()) {
    return out.failed({errc::invalid_argument,
                       lists ? "\"list\" takes no host" : "\"forget\" needs a host: HOST[:PORT]"});
  }
  return lists ? list(out, known) : forget(out, known, flags.host);
}

}  // namespace

runner declare_hosts(CLI::App& app) {
  describe(app,
           "Servers on other machines are spoken to inside TLS. Whose certificate the system's "
           "authorities vouch for is believed; of every other server, the certificate that it "
           "showed first is kept in a file, and nothing but that is believed from then on. Where a "
           "server has a new one and you know that it is right, have the old one forgotten.\n\n"
           "The file has one server a line: its host and port, and \"SHA256:\" with the digest of "
           "its certificate. It can be edited, and copied to other machines.",
           {{"Which servers are known", "sluice hosts list"},
            {"The server has a new certificate", "sluice hosts forget nas:8080"}});
  auto flags = std::make_shared<hosts_flags>();
  app.add_option("ACTION", flags->action, "\"list\" or \"forget\".")
      ->required()
      ->check(one_of({"list", "forget"}))
      ->option_text("list|forget");
  app.add_option("HOST", flags->host, "HOST:PORT, or HOST for all its ports.");
  app.add_option("--known-hosts", flags->security.known_hosts,
                 "The file; without it, sluice/known_hosts in $XDG_CONFIG_HOME or ~/.config.")
      ->type_name("FILE");
  add_output_flags(app, flags->output);
  return [flags] { return run_hosts(*flags); };
}

}  // namespace sluice::cli
