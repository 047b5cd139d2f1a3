// What the API and the program call the limits of an account.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/budget.h"

namespace sluice::base {

struct limit_name {
  std::string_view name;
  std::uint64_t budget_limits::* limit;
};

inline constexpr std::array limit_names{
    limit_name{"max_bytes", &budget_limits::bytes},
    limit_name{"max_files", &budget_limits::files},
    limit_name{"max_uploads", &budget_limits::uploads},
    limit_name{"max_connections", &budget_limits::connections},
    limit_name{"rate_bytes", &budget_limits::rate_bytes},
};

}  // namespace sluice::base
