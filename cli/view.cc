#include "cli/view.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

namespace sluice::cli {

namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

bool is_terminal(int fd) { return ::isatty(fd) == 1 && environment("TERM") != "dumb"; }

bool wants_colour(int fd) { return is_terminal(fd) && environment("NO_COLOR").empty(); }

std::string json_line(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

void put_text(int fd, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::unique_ptr<view> make_view(const output_flags& flags, bool stdout_is_content) {
  if (flags.json) {
    return make_json_view(flags.quiet, stdout_is_content ? STDERR_FILENO : STDOUT_FILENO);
  }
  if (is_terminal(STDERR_FILENO)) return make_terminal_view(flags.quiet);
  return make_lines_view(flags.quiet);
}

}  // namespace sluice::cli
