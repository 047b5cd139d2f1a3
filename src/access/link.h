// Links: a part of what an account may do, for whoever has the secret. Values.
//
// A link is of one file or folder, by its identity and not by its name: what is renamed keeps its
// link, and what gets the name after it is not reached by that. It can do no more than its account
// may at that moment, and nothing at all once the account may not do what it is for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/budget.h"
#include "base/permission.h"
#include "base/secret.h"
#include "catalog/content.h"

namespace sluice::access {

inline constexpr base::rights watching{base::right::see, base::right::take, base::right::talk};
inline constexpr base::rights dropping{base::right::give};

// "watch", "drop", "both", for people.
[[nodiscard]] std::optional<base::rights> parse_does(std::string_view text) noexcept;
[[nodiscard]] std::string_view name_of_does(base::rights what) noexcept;

// What stands for a link as base::caller::id does, and back.
[[nodiscard]] std::string caller_id_of_link(std::string_view link_id);
[[nodiscard]] std::optional<std::string_view> link_of_caller_id(
    std::string_view caller_id) noexcept;

struct link_wish {
  std::string path{};
  catalog::file_identity shared{};  // what has that path now
  base::rights does{};
  std::string label{};
  std::string password_hash{};  // "": none
  std::optional<std::int64_t> expires_s{};
  std::optional<std::int64_t> max_uses{};
  base::budget_limits limits{};  // of what is given by it
};

struct made_link {
  std::string id;
  base::secret text;  // told once; not kept
};

struct link_facts {
  std::string id;
  std::string path;
  catalog::file_identity shared{};
  base::rights does;
  std::string label;
  std::string by;  // the name of its account
  std::int64_t created_s = 0;
  std::optional<std::int64_t> expires_s{};
  bool has_password = false;
  std::int64_t uses = 0;
  std::optional<std::int64_t> max_uses{};
  base::budget_limits limits{};
  base::budget_use used{};
  std::string dead{};  // why nobody gets in by it; "": somebody may
};

// What has to be found where it is said to be: else it was replaced, moved by hand, or removed.
struct link_place {
  std::string path;
  catalog::file_identity shared;
};

}  // namespace sluice::access
