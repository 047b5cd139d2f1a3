#include "cli/command.h"

#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>

#include "cli/quantity.h"
#include "client/client.h"

namespace sluice::cli {

void describe(CLI::App& app, std::string_view details, std::initializer_list<example> examples) {
  app.description(app.get_description() + "\n\n" + std::string(details));
  std::string text;
  for (const example& shown : examples) {
    text += std::string(shown.what) + ":\n  " + std::string(shown.line) + "\n";
  }
  app.footer(text);
}

void add_output_flags(CLI::App& app, output_flags& flags) {
  app.add_flag(
      "--json", flags.json,
      "Tell what happens as one JSON object a line, on standard output; their \"event\" is "
      "phase, progress, notice, done, error, or one of the command's own.");
  app.add_flag("-q,--quiet", flags.quiet, "Say nothing but errors.");
}

CLI::Validator in_range(double least, double most) {
  const auto check = [least, most](const std::string& text) -> std::string {
    double value = 0;
    if (CLI::detail::lexical_cast(text, value) && value >= least && value <= most) return "";
    return fmt::format("\"{}\" is no number from {} to {}", text, least, most);
  };
  return {check, ""};
}

CLI::Validator one_of(const std::vector<std::string>& words) {
  const auto check = [words](const std::string& text) -> std::string {
    if (std::ranges::find(words, text) != words.end()) return "";
    return fmt::format("\"{}\" is none of {}", text, fmt::join(words, ", "));
  };
  return {check, ""};
}

CLI::Option* add_size_flag(CLI::App& app, const std::string& name, std::uint64_t& value,
                           const std::string& type, const std::string& what) {
  const auto check = [](const std::string& text) -> std::string {
    if (parse_size(text)) return "";
    return fmt::format("\"{}\" is no size such as 500MB or 2GiB", text);
  };
  const auto take = [&value](const std::string& text) { value = parse_size(text).value(); };
  return app.add_option_function<std::string>(name, take, what + " Like 500MB, 2GiB, 1TB.")
      ->type_name(type)
      ->check(CLI::Validator(check, ""));
}

void add_rate_flag(CLI::App& app, std::uint64_t& bytes_per_second) {
  constexpr std::uint64_t least = std::uint64_t{64} << 10;
  const auto check = [](const std::string& text) -> std::string {
    const auto rate = parse_size(text);
    if (rate && *rate >= least) return "";
    return fmt::format("\"{}\" is no rate of at least 64KiB/s, such as 2MB/s", text);
  };
  const auto take = [&bytes_per_second](const std::string& text) {
    bytes_per_second = parse_size(text).value();
  };
  app.add_option_function<std::string>(
         "--limit", take,
         "Go no faster than so much in a second, all connections together. Like "
         "500kB/s, 2MB/s.")
      ->type_name("RATE")
      ->check(CLI::Validator(check, ""));
}

void add_timeout_flag(CLI::App& app, double& timeout_s) {
  app.add_option("--timeout", timeout_s,
                 "Give up when connecting takes longer, or when the other side stands still for so "
                 "long.")
      ->type_name("SECONDS")
      ->check(in_range(0.001, 86400))
      ->capture_default_str();
}

std::chrono::milliseconds as_timeout(double timeout_s) {
  return std::chrono::milliseconds(std::llround(timeout_s * 1000));
}

void add_security_flags(CLI::App& app, client::security& security) {
  app.add_flag("--plaintext", security.plaintext,
               "Speak without encryption to servers on other machines too: for those that serve "
               "with --plaintext. Without it, sluice:// is encrypted to all but this machine, and "
               "nobody logs in at an http:// address of another one.");
  app.add_option("--tls-fingerprint", security.fingerprint,
                 "The certificate that the server must show, as it prints it at its start; nothing "
                 "else is believed then. Without it, one that the system's authorities vouch for, "
                 "or the one that this server showed first.")
      ->type_name("SHA256:HEX");
  app.add_option("--known-hosts", security.known_hosts,
                 "The file with what servers showed first; without it, sluice/known_hosts in "
                 "$XDG_CONFIG_HOME or ~/.config.")
      ->type_name("FILE");
}

std::string environment_name(const CLI::Option& option) {
  if (option.get_lnames().empty() || !option.get_configurable()) return "";
  std::string name = "SLUICE_" + option.get_lnames().front();
  for (char& c : name) {
    c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return name;
}

}  // namespace sluice::cli
