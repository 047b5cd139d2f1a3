#include "access/table.h"

#include "access/token.h"
#include "access/visitor.h"

namespace sluice::access {

table::table(catalog::database& database, base::rights of_strangers, wall_clock clock)
    : database_(database), of_strangers_(of_strangers), clock_(clock), stranger_(stranger({})) {}

result<std::unique_ptr<table>> table::open(catalog::database& database, base::rights of_strangers,
                                           wall_clock clock) {
  auto made = std::unique_ptr<table>(new table(database, of_strangers, clock));
  if (auto loaded = made->load(); !loaded) return std::unexpected(loaded.error());
  return made;
}

result<void> table::load() {
  const std::int64_t now = now_s();
  auto cleared = database_.write([now](catalog::session& s) -> result<void> {
    catalog::remove_expired_tokens(s, now);
    return {};
  });
  if (!cleared) return cleared;
  return database_.read([this](catalog::session& s) {
    for (auto& row : catalog::all_accounts(s)) {
      names_.emplace(row.name, row.id);
      const auto id = row.id;
      auto budget = std::make_shared<base::budget>(row.name, nullptr);
      accounts_.emplace(id, account{.row = std::move(row),
                                    .grants = {},
                                    .epoch = ++epochs_,
                                    .budget = std::move(budget)});
    }
    for (const auto& row : catalog::all_grants(s)) {
      const auto found = accounts_.find(row.account_id);
      if (found == accounts_.end()) continue;
      found->second.grants.push_back({row.path, base::rights::from_bits(row.rights)});
    }
    for (auto& row : catalog::all_tokens(s)) {
      digests_.emplace(row.digest, row.id);
      const auto id = row.id;
      tokens_.emplace(id, std::move(row));
    }
    load_links(s);
    load_allowances(s);
  });
}

base::caller_ptr table::stranger(base::origin from) const {
  return std::make_shared<visitor>(*this, visitor::kind::stranger, "", "", 0, std::nullopt,
                                   std::move(from));
}

result<base::caller_ptr> table::find_by_token(const base::secret& text, base::origin from) const {
  const std::string what = "log in with a token: it is unknown, was revoked or has expired";
  const std::shared_lock lock(mutex_);
  if (find_link_by(text) != nullptr) return come_by_link(text, std::move(from));
  const auto digest = digest_of_token(text.reveal());
  if (!digest) return fail(errc::not_allowed, what);
  const auto found = digests_.find(*digest);
  if (found == digests_.end() || !same_digest(found->first, *digest)) {
    return fail(errc::not_allowed, what);
  }
  const auto& row = tokens_.find(found->second)->second;
  if (row.expires_s && now_s() >= *row.expires_s) return fail(errc::not_allowed, what);
  return std::make_shared<visitor>(*this, visitor::kind::token, row.account_id, row.id, 0,
                                   row.expires_s, std::move(from));
}

std::optional<kept_password> table::find_password(const std::string& name) const {
  const std::shared_lock lock(mutex_);
  if (const auto* shared = find_link_by(base::secret::copy_of(name)); shared != nullptr) {
    if (shared->row.password.empty() || rights_of(*shared).is_none()) return std::nullopt;
    return kept_password{caller_id_of_link(shared->row.id), shared->row.password, shared->epoch};
  }
  const auto* found = find(name);
  if (found == nullptr || found->row.password.empty()) return std::nullopt;
  return kept_password{found->row.id, found->row.password, found->epoch};
}

base::caller_ptr table::caller_of(const kept_password& checked, base::origin from) const {
  const auto by_link = link_of_caller_id(checked.account_id);
  if (!by_link) {
    return std::make_shared<visitor>(*this, visitor::kind::account, checked.account_id, "",
                                     checked.epoch, std::nullopt, std::move(from));
  }
  const std::shared_lock lock(mutex_);
  const auto* one = find_link(std::string(*by_link));
  return std::make_shared<visitor>(
      *this, visitor::kind::link, checked.account_id, std::string(*by_link), 0,
      one == nullptr ? std::optional<std::int64_t>(0) : one->row.expires_s, std::move(from));
}

base::rights table::rights_of_account(const std::string& id, std::uint64_t epoch,
                                      std::string_view path, bool below) const {
  const std::shared_lock lock(mutex_);
  const auto found = accounts_.find(id);
  if (found == accounts_.end() || found->second.epoch != epoch) return {};
  const auto& grants = found->second.grants;
  return below ? rights_below(grants, "", path) : rights_at(grants, path);
}

base::rights table::rights_of_token(const std::string& id, std::string_view path,
                                    bool below) const {
  const std::shared_lock lock(mutex_);
  const auto token = tokens_.find(id);
  if (token == tokens_.end()) return {};
  const auto& row = token->second;
  const auto found = accounts_.find(row.account_id);
  if (found == accounts_.end()) return {};
  const auto scope = base::rights::from_bits(row.rights);
  const auto& grants = found->second.grants;
  if (below) return rights_below(grants, row.path, path) & scope;
  if (!holds(row.path, path)) return {};
  return rights_at(grants, path) & scope;
}

table::account* table::find(const std::string& name) {
  const auto id = names_.find(name);
  return id == names_.end() ? nullptr : &accounts_.find(id->second)->second;
}

const table::account* table::find(const std::string& name) const {
  const auto id = names_.find(name);
  return id == names_.end() ? nullptr : &accounts_.find(id->second)->second;
}

std::string table::name_of(const std::string& account_id) const {
  const std::shared_lock lock(mutex_);
  const auto found = accounts_.find(account_id);
  return found == accounts_.end() ? std::string() : found->second.row.name;
}

std::vector<account_facts> table::accounts() const {
  const std::shared_lock lock(mutex_);
  std::vector<account_facts> all;
  for (const auto& [name, id] : names_) {
    const auto& one = accounts_.find(id)->second;
    all.push_back({name, !one.row.password.empty(), one.row.created_s, one.grants,
                   one.budget->limits(), one.budget->use()});
  }
  return all;
}

std::vector<token_facts> table::tokens() const {
  const std::int64_t now = now_s();
  const std::shared_lock lock(mutex_);
  std::vector<token_facts> all;
  for (const auto& [id, row] : tokens_) {
    if (row.expires_s && now >= *row.expires_s) continue;
    const auto found = accounts_.find(row.account_id);
    if (found == accounts_.end()) continue;
    all.push_back({.id = id,
                   .account = found->second.row.name,
                   .label = row.label,
                   .session = row.session,
                   .scope = {row.path, base::rights::from_bits(row.rights)},
                   .created_s = row.created_s,
                   .expires_s = row.expires_s});
  }
  return all;
}

}  // namespace sluice::access
