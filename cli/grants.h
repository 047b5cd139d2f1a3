// What the flags of "sluice user" and "sluice token" say about rights.
#pragma once

#include <string>
#include <vector>

#include "server/accounts_folder.h"
#include "sluice/error.h"

namespace sluice::cli {

// "PATH=RIGHTS": "in=see,give", "/=read". invalid_argument
[[nodiscard]] result<access::grant> parse_grant(const std::string& text);
[[nodiscard]] result<std::vector<access::grant>> parse_grants(
    const std::vector<std::string>& texts);

// "/in=see,take"
[[nodiscard]] std::string to_text(const access::grant& one);

inline constexpr const char* grant_help =
    "PATH=RIGHTS, with rights of see, take, give, change, talk, admin, divided by commas; or read "
    "(see, take), write (all but admin), drop (give). They count for all below the path; \"/\" is "
    "the "
    "served folder.";

}  // namespace sluice::cli
