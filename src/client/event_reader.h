// Server-sent events (HTML Living Standard, 9.2.6) out of a stream of bytes. Pure; the small part
// of the format that a sluice server sends.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "sluice/error.h"

namespace sluice::client {

class event_reader {
 public:
  // Of one event: a server that sends more is refused.
  static constexpr std::size_t event_bytes_max = std::size_t{64} * 1024;

  // bad_frame: an event over the limit.
  [[nodiscard]] result<void> add(std::string_view bytes);

  // The data of the next whole event; those without are skipped.
  [[nodiscard]] std::optional<std::string> next();

 private:
  void take_line(std::string_view line);

  std::string text_;
  std::size_t begin_ = 0;  // of what was not looked at yet
  std::string data_;
  bool has_data_ = false;
};

}  // namespace sluice::client
