// How the program's end tells what happened.
#pragma once

#include <string_view>

#include "sluice/error.h"

namespace sluice::cli {

enum exit_code : int {
  exit_done = 0,
  exit_failed = 1,
  exit_usage = 2,
  exit_cannot_connect = 3,
  exit_not_allowed = 4,
  exit_not_found = 5,
  exit_conflict = 6,
  exit_verification = 7,
  exit_no_space = 8,
  exit_interrupted = 9,
};

// The one place that knows which failure ends the program with which code.
[[nodiscard]] exit_code exit_code_of(errc code) noexcept;

// What a person can do about it; empty where that is not known.
[[nodiscard]] std::string_view advice(errc code) noexcept;

}  // namespace sluice::cli
