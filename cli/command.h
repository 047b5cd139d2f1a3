// A command of the program, and what all commands share.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
class Option;
class Validator;
}  // namespace CLI

namespace sluice::client {
struct security;
}

namespace sluice::cli {

// What a command does once its flags are read; returns the exit code.
using runner = std::function<int()>;

// `declare` adds the command's flags to its parser and returns what runs it. What the flags are
// read into belongs to the runner.
struct command {
  std::string_view name;
  std::string_view summary;
  runner (*declare)(CLI::App& app);
};

runner declare_serve(CLI::App& app);
runner declare_put(CLI::App& app);
runner declare_get(CLI::App& app);
runner declare_ls(CLI::App& app);
runner declare_rm(CLI::App& app);
runner declare_mv(CLI::App& app);
runner declare_mkdir(CLI::App& app);
runner declare_chat(CLI::App& app);
runner declare_notes(CLI::App& app);
runner declare_verify(CLI::App& app);
runner declare_scrub(CLI::App& app);
runner declare_hosts(CLI::App& app);
runner declare_share(CLI::App& app);
runner declare_send(CLI::App& app);
runner declare_recv(CLI::App& app);
runner declare_login(CLI::App& app);
runner declare_user(CLI::App& app);
runner declare_token(CLI::App& app);
runner declare_version(CLI::App& app);
runner declare_completions(CLI::App& app);

// One example: what it does, and the line to type.
struct example {
  std::string_view what;
  std::string_view line;
};

// The long text of a command, for --help and its manual page. Paragraphs of `details` are divided
// by an empty line.
void describe(CLI::App& app, std::string_view details, std::initializer_list<example> examples);

// --json and -q.
struct output_flags {
  bool json = false;
  bool quiet = false;
};
void add_output_flags(CLI::App& app, output_flags& flags);

// What a flag's value must be; unlike CLI11's own, they leave the shown type of the value alone.
[[nodiscard]] CLI::Validator in_range(double least, double most);
[[nodiscard]] CLI::Validator one_of(const std::vector<std::string>& words);

// A flag whose value is a size or a rate, such as 500MB or 2GiB.
CLI::Option* add_size_flag(CLI::App& app, const std::string& name, std::uint64_t& value,
                           const std::string& type, const std::string& what);

// --limit: the most of content in a second, at least 64 KiB.
void add_rate_flag(CLI::App& app, std::uint64_t& bytes_per_second);

// --timeout, in seconds.
void add_timeout_flag(CLI::App& app, double& timeout_s);
[[nodiscard]] std::chrono::milliseconds as_timeout(double timeout_s);

// --plaintext, --tls-fingerprint and --known-hosts.
void add_security_flags(CLI::App& app, client::security& security);

// The environment variable of a flag: SLUICE_MAX_BYTES for --max-bytes; empty for what has none.
[[nodiscard]] std::string environment_name(const CLI::Option& option);

}  // namespace sluice::cli
