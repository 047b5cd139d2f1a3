#include "access/visitor.h"

#include "access/grants.h"
#include "access/table.h"

namespace sluice::access {

base::rights visitor::may(std::string_view path) const { return ask(plain(path), false); }

base::rights visitor::may_below(std::string_view path) const { return ask(plain(path), true); }

// 0 is no generation of the table: who asked before the end has to ask again.
std::uint64_t visitor::generation() const noexcept {
  return is_expired() ? 0 : table_.generation();
}

bool visitor::is_expired() const noexcept { return expires_s_ && table_.now_s() >= *expires_s_; }

base::rights visitor::ask(std::string_view path, bool below) const {
  if (account_id_.empty()) return table_.rights_of_strangers();
  if (token_id_.empty()) return table_.rights_of_account(account_id_, epoch_, path, below);
  return is_expired() ? base::rights() : table_.rights_of_token(token_id_, path, below);
}

}  // namespace sluice::access
