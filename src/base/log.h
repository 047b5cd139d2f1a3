// One line a message, to standard error: time, level, text. Any thread.
//
// Control bytes, bidirectional overrides and bytes that are not UTF-8 are escaped after formatting,
// so that no name and no message of a peer can forge a line or drive a terminal.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string_view>
#include <utility>

namespace sluice::base {

enum class log_level : std::uint8_t { debug, info, warning, error, off };

// Messages below the level are dropped before they are formatted. The default is `info`.
void set_log_level(log_level level) noexcept;
[[nodiscard]] bool logs(log_level level) noexcept;

// Writes one message, escaped, whatever the level in force.
void write_log(log_level level, std::string_view message);

template <class... Args>
void log(log_level level, fmt::format_string<Args...> format, Args&&... args) {
  if (logs(level)) write_log(level, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
  log(log_level::debug, format, std::forward<Args>(args)...);
}
template <class... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  log(log_level::info, format, std::forward<Args>(args)...);
}
template <class... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
  log(log_level::warning, format, std::forward<Args>(args)...);
}
template <class... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) {
  log(log_level::error, format, std::forward<Args>(args)...);
}

}  // namespace sluice::base
