// Links: what stands for a part of an account's rights without an account; and what accounts and
// links may take in all. All calls may throw soci_error, see session.h. What they mean is the
// access room's business.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "catalog/accounts.h"
#include "catalog/content.h"
#include "catalog/session.h"

namespace sluice::catalog {

struct link_row {
  std::string id;          // 16 hexadecimal digits, to name it by
  std::string account_id;  // whose rights it has a part of
  token_digest digest{};   // SHA-256 of its secret
  std::uint32_t rights = 0;
  std::string path;        // where what is shared was seen last
  file_identity shared{};  // what is shared, whatever its name is
  std::string label;
  std::string password;  // as libsodium encodes its digest; "": it has none
  std::string salt;      // of the cookies of browsers that came by it
  std::int64_t created_s = 0;
  std::optional<std::int64_t> expires_s{};
  std::optional<std::int64_t> max_uses{};
  std::int64_t uses = 0;
};

void insert_link(session& s, const link_row& row);
// With what it may take. False: there is none.
[[nodiscard]] bool remove_link(session& s, const std::string& id);
// In the order in which they were made.
[[nodiscard]] std::vector<link_row> all_links(session& s);
void set_link_path(session& s, const std::string& id, const std::string& path);
// One more use, where the limit allows one. False: it does not, or there is no such link.
[[nodiscard]] bool use_link(session& s, const std::string& id);

// What `owner` may take, and what it took of that: an account's id, or "link:" and a link's.
struct allowance_row {
  std::string owner;
  std::int64_t max_bytes = 0;  // 0: no limit, here and below
  std::int64_t max_files = 0;
  std::int64_t max_uploads = 0;
  std::int64_t max_connections = 0;
  std::int64_t rate_bytes = 0;
  std::int64_t used_bytes = 0;
  std::int64_t used_files = 0;
};

// In place of what was there.
void put_allowance(session& s, const allowance_row& row);
void remove_allowance(session& s, const std::string& owner);
// Of an account and of all its links.
void remove_allowances_of(session& s, const std::string& account_id);
[[nodiscard]] std::vector<allowance_row> all_allowances(session& s);
// So much more was given by `owner`; of a link also by its account. Harmless without an allowance.
void charge(session& s, const std::string& owner, std::uint64_t bytes, std::uint64_t files);

}  // namespace sluice::catalog
