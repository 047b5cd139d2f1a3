// What changes the table: first the catalog, durably, then the memory. One change at a time.
#include <algorithm>

#include "access/table.h"
#include "access/token.h"

namespace sluice::access {
namespace {

constexpr std::size_t label_bytes_max = 256;
constexpr std::size_t path_bytes_max = 4096;

bool is_name_character(char c) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return letter || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' || c == '@';
}

result<void> check_name(const std::string& name) {
  const bool fits = !name.empty() && name.size() <= table::name_bytes_max;
  if (fits && std::ranges::all_of(name, is_name_character)) return {};
  return fail(errc::invalid_argument,
              "make an account: its name has 1 to 64 letters, digits or . _ - @");
}

// A path as it will be compared: one that no request can have would grant nothing, and surprise.
result<std::string> check_path(std::string_view text) {
  std::string path(plain(text));
  const bool is_odd = path.size() > path_bytes_max || path.starts_with('/') ||
                      path.ends_with('/') || path.find("//") != std::string::npos ||
                      path.find('\0') != std::string::npos;
  if (!is_odd) return path;
  return fail(errc::invalid_argument, "grant rights in \"" + path + "\": it is no path");
}

std::unexpected<error> unknown(const std::string& name) {
  return fail(errc::not_found, "find the account " + name);
}

}  // namespace

result<void> table::commit(catalog::database::operation change) {
  return database_.write(std::move(change));
}

result<void> table::add_account(const std::string& name, const std::string& password_hash,
                                const std::vector<grant>& grants) {
  if (auto fine = check_name(name); !fine) return fine;
  if (grants.size() > grants_max) return fail(errc::busy, "grant more than may be");
  account made{
      .row = {
          .id = random_name(16), .name = name, .password = password_hash, .created_s = now_s()}};
  for (const auto& one : grants) {
    auto path = check_path(one.path);
    if (!path) return std::unexpected(path.error());
    made.grants.push_back({std::move(*path), one.what});
  }
  const std::lock_guard one_at_a_time(changing_);
  if (names_.contains(name)) return fail(errc::exists, "make the account " + name);
  if (names_.size() >= accounts_max) return fail(errc::busy, "make one more account");
  auto committed = commit([&made](catalog::session& s) -> result<void> {
    catalog::insert_account(s, made.row);
    for (const auto& one : made.grants) {
      catalog::put_grant(s, {made.row.id, one.path, one.what.bits()});
    }
    return {};
  });
  if (!committed) return committed;
  const std::lock_guard lock(mutex_);
  made.epoch = ++epochs_;
  made.budget = std::make_shared<base::budget>(name, nullptr);
  names_.emplace(name, made.row.id);
  const auto id = made.row.id;
  accounts_.emplace(id, std::move(made));
  changed();
  return {};
}

result<void> table::remove_account(const std::string& name) {
  const std::lock_guard one_at_a_time(changing_);
  const auto* found = find(name);
  if (found == nullptr) return unknown(name);
  const auto id = found->row.id;
  auto committed = commit([&id](catalog::session& s) -> result<void> {
    catalog::remove_allowances_of(s, id);
    (void)catalog::remove_account(s, id);
    return {};
  });
  if (!committed) return committed;
  const std::lock_guard lock(mutex_);
  std::erase_if(link_digests_, [&](const auto& one) {
    return links_.find(one.second)->second.row.account_id == id;
  });
  std::erase_if(links_, [&](const auto& one) { return one.second.row.account_id == id; });
  std::vector<std::string> its;
  for (const auto& [token, row] : tokens_) {
    if (row.account_id == id) its.push_back(token);
  }
  for (const auto& token : its) forget_token(token);
  names_.erase(name);
  accounts_.erase(id);
  changed();
  return {};
}

result<void> table::set_password(const std::string& name, const std::string& password_hash) {
  const std::lock_guard one_at_a_time(changing_);
  auto* found = find(name);
  if (found == nullptr) return unknown(name);
  const auto id = found->row.id;
  const auto sessions = sessions_of(id);
  auto committed = commit([&](catalog::session& s) -> result<void> {
    (void)catalog::set_password(s, id, password_hash);
    for (const auto& token : sessions) (void)catalog::remove_token(s, token);
    return {};
  });
  if (!committed) return committed;
  const std::lock_guard lock(mutex_);
  for (const auto& token : sessions) forget_token(token);
  found->row.password = password_hash;
  found->epoch = ++epochs_;
  changed();
  return {};
}

result<void> table::put_grant(const std::string& name, const grant& what) {
  auto path = check_path(what.path);
  if (!path) return std::unexpected(path.error());
  const std::lock_guard one_at_a_time(changing_);
  auto* found = find(name);
  if (found == nullptr) return unknown(name);
  auto grants = found->grants;
  std::erase_if(grants, [&](const grant& one) { return one.path == *path; });
  if (!what.what.is_none()) grants.push_back({*path, what.what});
  if (grants.size() > grants_max) return fail(errc::busy, "grant more to " + name);
  auto committed = commit([&](catalog::session& s) -> result<void> {
    catalog::put_grant(s, {found->row.id, *path, what.what.bits()});
    return {};
  });
  if (!committed) return committed;
  const std::lock_guard lock(mutex_);
  found->grants = std::move(grants);
  changed();
  return {};
}

result<made_token> table::add_token(const token_wish& wanted) {
  auto path = check_path(wanted.scope.path);
  if (!path) return std::unexpected(path.error());
  if (wanted.label.size() > label_bytes_max) {
    return fail(errc::invalid_argument, "make a token: its label is too long");
  }
  made_token made{.id = random_name(8), .text = make_token()};
  const std::lock_guard one_at_a_time(changing_);
  const auto* found = find(wanted.account);
  if (found == nullptr) return unknown(wanted.account);
  if (tokens_.size() >= tokens_max) return fail(errc::busy, "make one more token");
  catalog::token_row row{.id = made.id,
                         .account_id = found->row.id,
                         .digest = *digest_of_token(made.text.reveal()),
                         .label = wanted.label,
                         .session = wanted.session,
                         .path = std::move(*path),
                         .rights = wanted.scope.what.bits(),
                         .created_s = now_s(),
                         .expires_s = wanted.expires_s};
  std::vector<std::string> gone;
  if (wanted.session) {
    gone = sessions_of(row.account_id);
    gone.resize(gone.size() < sessions_max ? 0 : gone.size() - sessions_max + 1);
  }
  auto committed = commit([&](catalog::session& s) -> result<void> {
    catalog::remove_expired_tokens(s, row.created_s);
    for (const auto& id : gone) (void)catalog::remove_token(s, id);
    catalog::insert_token(s, row);
    return {};
  });
  if (!committed) return std::unexpected(committed.error());
  const std::lock_guard lock(mutex_);
  for (const auto& id : gone) forget_token(id);
  for (const auto& [id, one] : tokens_) {
    if (one.expires_s && row.created_s >= *one.expires_s) gone.push_back(id);
  }
  for (const auto& id : gone) forget_token(id);
  digests_.emplace(row.digest, row.id);
  tokens_.emplace(made.id, std::move(row));
  changed();
  return made;
}

result<void> table::revoke_token(const std::string& id) {
  const std::lock_guard one_at_a_time(changing_);
  if (!tokens_.contains(id)) return fail(errc::not_found, "find the token " + id);
  return end_all({id});
}

result<void> table::end_session(const base::secret& text) {
  const auto digest = digest_of_token(text.reveal());
  const std::lock_guard one_at_a_time(changing_);
  const auto found = digest ? digests_.find(*digest) : digests_.end();
  if (found == digests_.end() || !tokens_.find(found->second)->second.session) return {};
  return end_all({found->second});
}

result<void> table::end_sessions(const std::string& name) {
  const std::lock_guard one_at_a_time(changing_);
  auto* found = find(name);
  if (found == nullptr) return unknown(name);
  auto ended = end_all(sessions_of(found->row.id));
  if (!ended) return ended;
  const std::lock_guard lock(mutex_);
  found->epoch = ++epochs_;
  changed();
  return {};
}

result<void> table::end_all(const std::vector<std::string>& token_ids) {
  auto committed = commit([&token_ids](catalog::session& s) -> result<void> {
    for (const auto& id : token_ids) (void)catalog::remove_token(s, id);
    return {};
  });
  if (!committed) return committed;
  const std::lock_guard lock(mutex_);
  for (const auto& id : token_ids) forget_token(id);
  changed();
  return {};
}

void table::forget_token(const std::string& id) {
  const auto found = tokens_.find(id);
  if (found == tokens_.end()) return;
  digests_.erase(found->second.digest);
  tokens_.erase(found);
}

// The oldest first. Only with `changing_` held: nobody else writes.
std::vector<std::string> table::sessions_of(const std::string& account_id) const {
  std::vector<const catalog::token_row*> rows;
  for (const auto& [id, row] : tokens_) {
    if (row.session && row.account_id == account_id) rows.push_back(&row);
  }
  std::ranges::stable_sort(rows, {}, &catalog::token_row::created_s);
  std::vector<std::string> ids;
  ids.reserve(rows.size());
  for (const auto* row : rows) ids.push_back(row->id);
  return ids;
}

}  // namespace sluice::access
