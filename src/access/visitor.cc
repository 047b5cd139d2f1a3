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
  if (is_expired()) return {};
  switch (what_) {
    case kind::stranger: return table_.rights_of_strangers();
    case kind::account: return table_.rights_of_account(id_, epoch_, path, below);
    case kind::token: return table_.rights_of_token(part_, path, below);
    case kind::link: return table_.rights_of_link(part_, path, below);
  }
  return {};
}

std::string visitor::name() const {
  return what_ == kind::stranger ? std::string() : table_.name_of_caller(id_);
}

void visitor::note_refusal(base::right wanted, std::string_view path) const {
  table_.note({.who = name(),
               .from = from_,
               .what = base::name_of(wanted),
               .path = std::string(plain(path)),
               .failed = errc::not_allowed,
               .repeatable = true});
}

}  // namespace sluice::access
