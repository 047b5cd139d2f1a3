// Who may do what: accounts, what is granted to them, and the tokens that stand for them. All calls
// may throw soci_error, see session.h. What they mean is the access room's business.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "catalog/session.h"

namespace sluice::catalog {

struct account_row {
  std::string id;        // 32 hexadecimal digits, never used again
  std::string name;      // unique
  std::string password;  // as libsodium encodes its digest; "": it has none
  std::int64_t created_s = 0;
};

// What an account may do with a path and with all below it.
struct grant_row {
  std::string account_id;
  std::string path;
  std::uint32_t rights = 0;
};

using token_digest = std::array<std::byte, 32>;

struct token_row {
  std::string id;  // 16 hexadecimal digits, to name it by
  std::string account_id;
  token_digest digest{};  // SHA-256 of the token
  std::string label;
  bool session = false;  // of a browser: made by a login, ended by a logout
  std::string path;      // what it can be used for, at most
  std::uint32_t rights = 0;
  std::int64_t created_s = 0;
  std::optional<std::int64_t> expires_s{};
};

// A name that is taken fails with a constraint: `conflict`.
void insert_account(session& s, const account_row& row);
// With all that is granted to it, and its tokens. False: there is none.
[[nodiscard]] bool remove_account(session& s, const std::string& id);
[[nodiscard]] bool set_password(session& s, const std::string& id, const std::string& password);
[[nodiscard]] std::vector<account_row> all_accounts(session& s);

// In place of what was granted for this path; no rights: nothing any more.
void put_grant(session& s, const grant_row& row);
[[nodiscard]] std::vector<grant_row> all_grants(session& s);

void insert_token(session& s, const token_row& row);
// False: there is none.
[[nodiscard]] bool remove_token(session& s, const std::string& id);
// Those that expired before.
void remove_expired_tokens(session& s, std::int64_t now_s);
// In the order in which they were made.
[[nodiscard]] std::vector<token_row> all_tokens(session& s);

}  // namespace sluice::catalog
