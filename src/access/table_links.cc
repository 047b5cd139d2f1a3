// Links in the table: made, found, used, moved, revoked.
#include <sodium.h>

#include <algorithm>

#include "access/sodium_start.h"
#include "access/table.h"
#include "access/token.h"
#include "access/visitor.h"

namespace sluice::access {
namespace {

using base::right;
using base::rights;

constexpr std::string_view caller_prefix = "link:";
constexpr std::size_t label_bytes_max = 256;
constexpr std::int64_t uses_max = 10'000;
constexpr std::int64_t visit_s = std::int64_t{12} * 3600;
constexpr std::int64_t kept_s = std::int64_t{30} * 24 * 3600;  // an expired one, for the list

error unknown_link(const std::string& id) { return {errc::not_found, "find the link " + id}; }

// A cookie is the secret, a point, and the proof; see session_of_link.
struct link_text {
  std::string_view secret;
  std::string_view proof;
};
link_text split(std::string_view text) noexcept {
  const auto point = text.find('.');
  if (point == std::string_view::npos) return {text, {}};
  return {text.substr(0, point), text.substr(point + 1)};
}

// What it is for; to talk alone is nothing.
rights core_of(rights does) noexcept {
  return rights::from_bits(does.bits() & ~static_cast<unsigned>(right::talk));
}

std::string proof_of(std::string_view secret, const catalog::link_row& row) {
  need_sodium();
  std::array<unsigned char, 32> made{};
  crypto_generichash_state state;
  crypto_generichash_init(&state, reinterpret_cast<const unsigned char*>(secret.data()),
                          secret.size(), made.size());
  for (const std::string_view part : {std::string_view(row.salt), std::string_view(row.password)}) {
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(part.data()),
                              part.size());
  }
  crypto_generichash_final(&state, made.data(), made.size());
  sodium_memzero(&state, sizeof state);
  constexpr int alphabet = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::string text(sodium_base64_encoded_len(made.size(), alphabet), '\0');
  sodium_bin2base64(text.data(), text.size(), made.data(), made.size(), alphabet);
  text.pop_back();  // the NUL at its end
  return text;
}

bool same_text(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

base::budget_limits limits_of(const catalog::allowance_row& row) {
  return {.bytes = static_cast<std::uint64_t>(row.max_bytes),
          .files = static_cast<std::uint64_t>(row.max_files),
          .uploads = static_cast<std::uint64_t>(row.max_uploads),
          .connections = static_cast<std::uint64_t>(row.max_connections),
          .rate_bytes = static_cast<std::uint64_t>(row.rate_bytes)};
}

catalog::allowance_row row_of(std::string owner, const base::budget_limits& limits) {
  return {.owner = std::move(owner),
          .max_bytes = static_cast<std::int64_t>(limits.bytes),
          .max_files = static_cast<std::int64_t>(limits.files),
          .max_uploads = static_cast<std::int64_t>(limits.uploads),
          .max_connections = static_cast<std::int64_t>(limits.connections),
          .rate_bytes = static_cast<std::int64_t>(limits.rate_bytes)};
}

result<void> check_wish(const link_wish& wanted) {
  const std::string what = "make a link to /" + wanted.path;
  if (wanted.does != watching && wanted.does != dropping && wanted.does != (watching | dropping)) {
    return fail(errc::invalid_argument, what + ": it is to watch, to drop, or both");
  }
  if (wanted.label.size() > label_bytes_max) {
    return fail(errc::invalid_argument, what + ": its label is too long");
  }
  if (wanted.max_uses && (*wanted.max_uses < 1 || *wanted.max_uses > uses_max)) {
    return fail(errc::invalid_argument, what + ": its uses are 1 to 10000");
  }
  const bool gives = wanted.does.has(right::give);
  if (!gives && (wanted.limits.bytes > 0 || wanted.limits.files > 0)) {
    return fail(errc::invalid_argument,
                what + ": bytes and files are limits of what is dropped, and it only watches");
  }
  return {};
}

}  // namespace

std::optional<rights> parse_does(std::string_view text) noexcept {
  if (text == "watch") return watching;
  if (text == "drop") return dropping;
  if (text == "both") return watching | dropping;
  return std::nullopt;
}

std::string_view name_of_does(rights what) noexcept {
  if (!what.has(right::give)) return "watch";
  return what.has(right::take) ? "both" : "drop";
}

std::string caller_id_of_link(std::string_view link_id) {
  return std::string(caller_prefix) + std::string(link_id);
}

std::optional<std::string_view> link_of_caller_id(std::string_view caller_id) noexcept {
  if (!caller_id.starts_with(caller_prefix)) return std::nullopt;
  return caller_id.substr(caller_prefix.size());
}

void table::load_links(catalog::session& s) {
  const auto oldest = now_s() - kept_s;
  for (auto& row : catalog::all_links(s)) {
    if (row.expires_s && *row.expires_s < oldest) continue;
    const auto by = accounts_.find(row.account_id);
    if (by == accounts_.end()) continue;
    link_digests_.emplace(row.digest, row.id);
    auto budget = std::make_shared<base::budget>("the link " + row.id, by->second.budget);
    const auto id = row.id;
    links_.emplace(id,
                   link{.row = std::move(row), .budget = std::move(budget), .epoch = ++epochs_});
  }
}

void table::load_allowances(catalog::session& s) {
  for (const auto& row : catalog::all_allowances(s)) {
    base::budget_ptr whose;
    if (const auto id = link_of_caller_id(row.owner)) {
      const auto* one = find_link(std::string(*id));
      if (one != nullptr) whose = one->budget;
    } else if (const auto found = accounts_.find(row.owner); found != accounts_.end()) {
      whose = found->second.budget;
    }
    if (!whose) continue;
    whose->set(limits_of(row));
    whose->set_used(static_cast<std::uint64_t>(row.used_bytes),
                    static_cast<std::uint64_t>(row.used_files));
  }
}

table::link* table::find_link(const std::string& id) {
  const auto found = links_.find(id);
  return found == links_.end() ? nullptr : &found->second;
}

const table::link* table::find_link(const std::string& id) const {
  const auto found = links_.find(id);
  return found == links_.end() ? nullptr : &found->second;
}

const table::link* table::find_link_by(const base::secret& text) const {
  const auto digest = digest_of_token(split(text.reveal()).secret);
  if (!digest) return nullptr;
  const auto found = link_digests_.find(*digest);
  if (found == link_digests_.end() || !same_digest(found->first, *digest)) return nullptr;
  return find_link(found->second);
}

// With the lock, as all that takes a `link`. What its account may do there, as long as that is what
// the link is for.
rights table::rights_of(const link& one) const {
  const auto by = accounts_.find(one.row.account_id);
  if (by == accounts_.end() || one.moving > 0) return {};
  if (one.row.expires_s && now_s() >= *one.row.expires_s) return {};
  const auto does = rights::from_bits(one.row.rights);
  const auto granted = rights_at(by->second.grants, one.row.path);
  return granted.has_all(core_of(does)) ? granted & does : rights();
}

rights table::rights_of_link(const std::string& id, std::string_view path, bool below) const {
  const std::shared_lock lock(mutex_);
  const auto* one = find_link(id);
  if (one == nullptr) return {};
  const bool is_inside = holds(one->row.path, path);
  if (!is_inside && !(below && holds(path, one->row.path))) return {};
  const auto there = rights_of(*one);
  if (there.is_none() || !is_inside) return there;
  const auto& grants = accounts_.find(one->row.account_id)->second.grants;
  return rights_at(grants, path) & there;
}

bool table::is_visit(const link& one, const std::string& address, std::int64_t now_s) {
  const auto found = one.visits.find(address);
  return found != one.visits.end() && now_s < found->second;
}

bool table::is_session_of(const link& one, std::string_view secret, std::string_view proof) const {
  return !proof.empty() && same_text(proof, proof_of(secret, one.row));
}

// With the lock, and a link of ours.
result<base::caller_ptr> table::come_by_link(const base::secret& text, base::origin from) const {
  const auto& one = *find_link_by(text);
  const auto [secret, proof] = split(text.reveal());
  const bool is_session = is_session_of(one, secret, proof);
  if (!is_session && !proof.empty()) {
    return fail(errc::not_allowed, "come by a link: log in again");
  }
  if (rights_of(one).is_none()) {
    return fail(errc::not_allowed,
                "come by a link: it has expired, was revoked, or leads nowhere any more");
  }
  if (!is_session && !one.row.password.empty()) {
    return fail(errc::not_allowed, "come by a link: it wants its password");
  }
  if (!is_session && one.row.max_uses && !is_visit(one, from.address, now_s())) {
    return fail(errc::busy, "come by a link whose uses are counted");
  }
  return std::make_shared<visitor>(*this, visitor::kind::link, caller_id_of_link(one.row.id),
                                   one.row.id, 0, one.row.expires_s, std::move(from));
}

result<void> table::use_link(const base::secret& text, const base::origin& from) {
  const std::lock_guard one_at_a_time(changing_);
  std::string id;
  {
    const std::shared_lock lock(mutex_);
    const auto* one = find_link_by(text);
    if (one == nullptr) return fail(errc::not_allowed, "come by a link: it was revoked");
    if (!one->row.max_uses || is_visit(*one, from.address, now_s())) return {};
    id = one->row.id;
  }
  bool is_left = false;
  auto committed = commit([&](catalog::session& s) -> result<void> {
    is_left = catalog::use_link(s, id);
    return {};
  });
  if (!committed) return committed;
  if (!is_left) {
    return fail(errc::not_allowed, "come by a link: it was used as often as it may be");
  }
  const std::lock_guard lock(mutex_);
  auto* one = find_link(id);
  if (one == nullptr) return {};
  ++one->row.uses;
  std::erase_if(one->visits, [now = now_s()](const auto& visit) { return now >= visit.second; });
  one->visits[from.address] = now_s() + visit_s;
  return {};
}

bool table::wants_password(const base::secret& text) const {
  const std::shared_lock lock(mutex_);
  const auto* one = find_link_by(text);
  return one != nullptr && !one->row.password.empty() && !rights_of(*one).is_none();
}

bool table::counts_uses(const std::string& caller_id) const {
  const auto id = link_of_caller_id(caller_id);
  const std::shared_lock lock(mutex_);
  const auto* one = id ? find_link(std::string(*id)) : nullptr;
  return one != nullptr && one->row.max_uses.has_value();
}

base::secret table::session_of_link(const base::secret& text) const {
  const std::shared_lock lock(mutex_);
  const auto* one = find_link_by(text);
  const auto secret = split(text.reveal()).secret;
  if (one == nullptr) return {};
  return base::secret(std::string(secret) + '.' + proof_of(secret, one->row));
}

result<made_link> table::add_link(const base::caller& by, const link_wish& wanted) {
  if (auto fine = check_wish(wanted); !fine) return std::unexpected(fine.error());
  made_link made{.id = random_name(8), .text = make_token()};
  const std::lock_guard one_at_a_time(changing_);
  const auto maker = accounts_.find(by.id());
  if (maker == accounts_.end()) {
    return fail(errc::not_allowed,
                "make a link: it stands for an account, and you are not logged in to one");
  }
  if (links_.size() >= links_max) {
    return fail(errc::busy, "make one more link; revoke some that are not needed any more");
  }
  catalog::link_row row{.id = made.id,
                        .account_id = by.id(),
                        .digest = *digest_of_token(made.text.reveal()),
                        .rights = wanted.does.bits(),
                        .path = wanted.path,
                        .shared = wanted.shared,
                        .label = wanted.label,
                        .password = wanted.password_hash,
                        .salt = random_name(16),
                        .created_s = now_s(),
                        .expires_s = wanted.expires_s,
                        .max_uses = wanted.max_uses};
  auto committed = commit([&](catalog::session& s) -> result<void> {
    catalog::insert_link(s, row);
    catalog::put_allowance(s, row_of(caller_id_of_link(row.id), wanted.limits));
    return {};
  });
  if (!committed) return std::unexpected(committed.error());
  auto budget = std::make_shared<base::budget>("the link " + row.id, maker->second.budget);
  budget->set(wanted.limits);
  const std::lock_guard lock(mutex_);
  link_digests_.emplace(row.digest, row.id);
  links_.emplace(made.id,
                 link{.row = std::move(row), .budget = std::move(budget), .epoch = ++epochs_});
  changed();
  return made;
}

result<void> table::revoke_link(const std::string& id) {
  const std::lock_guard one_at_a_time(changing_);
  if (find_link(id) == nullptr) return std::unexpected(unknown_link(id));
  auto committed = commit([&id](catalog::session& s) -> result<void> {
    (void)catalog::remove_link(s, id);
    return {};
  });
  if (!committed) return committed;
  const std::lock_guard lock(mutex_);
  const auto found = links_.find(id);
  link_digests_.erase(found->second.row.digest);
  links_.erase(found);
  changed();
  return {};
}

std::string table::account_of_link(const std::string& id) const {
  const std::shared_lock lock(mutex_);
  const auto* one = find_link(id);
  return one == nullptr ? std::string() : one->row.account_id;
}

link_facts table::facts_of(const link& one) const {
  const auto by = accounts_.find(one.row.account_id);
  link_facts facts{.id = one.row.id,
                   .path = one.row.path,
                   .shared = one.row.shared,
                   .does = rights::from_bits(one.row.rights),
                   .label = one.row.label,
                   .by = by == accounts_.end() ? "" : by->second.row.name,
                   .created_s = one.row.created_s,
                   .expires_s = one.row.expires_s,
                   .has_password = !one.row.password.empty(),
                   .uses = one.row.uses,
                   .max_uses = one.row.max_uses,
                   .limits = one.budget->limits(),
                   .used = one.budget->use()};
  if (facts.expires_s && now_s() >= *facts.expires_s) {
    facts.dead = "it has expired";
  } else if (facts.max_uses && facts.uses >= *facts.max_uses) {
    facts.dead = "it is used up";
  } else if (rights_of(one).is_none() && one.moving == 0) {
    facts.dead = facts.by + " may not do there any more what it is for";
  }
  return facts;
}

std::vector<link_facts> table::links(const std::string& account_id) const {
  const std::shared_lock lock(mutex_);
  std::vector<link_facts> all;
  for (const auto& [id, one] : links_) {
    if (account_id.empty() || one.row.account_id == account_id) all.push_back(facts_of(one));
  }
  std::ranges::stable_sort(all, {}, &link_facts::created_s);
  return all;
}

std::optional<link_facts> table::link_of(const base::caller& who) const {
  const auto id = link_of_caller_id(who.id());
  if (!id) return std::nullopt;
  const std::shared_lock lock(mutex_);
  const auto* one = find_link(std::string(*id));
  if (one == nullptr) return std::nullopt;
  return facts_of(*one);
}

std::optional<link_place> table::place_of(const std::string& caller_id) const {
  const auto id = link_of_caller_id(caller_id);
  if (!id) return std::nullopt;
  const std::shared_lock lock(mutex_);
  const auto* one = find_link(std::string(*id));
  if (one == nullptr) return link_place{};  // what no path has
  return link_place{one->row.path, one->row.shared};
}

void table::begin_move(const std::string& from) {
  const std::lock_guard lock(mutex_);
  bool any = false;
  for (auto& [id, one] : links_) {
    if (!holds(from, one.row.path)) continue;
    ++one.moving;
    any = true;
  }
  if (any) changed();
}

void table::end_move(const std::string& from, const std::optional<std::string>& to) {
  const std::lock_guard one_at_a_time(changing_);
  std::vector<std::pair<std::string, std::string>> moved;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [id, one] : links_) {
      if (one.moving == 0 || !holds(from, one.row.path)) continue;
      --one.moving;
      if (!to) continue;
      one.row.path = from.empty() ? one.row.path : *to + one.row.path.substr(from.size());
      moved.emplace_back(id, one.row.path);
    }
    changed();
  }
  if (moved.empty()) return;
  // Where this fails, the next start finds it under no name, and it leads nowhere.
  (void)commit([&](catalog::session& s) -> result<void> {
    for (const auto& [id, path] : moved) catalog::set_link_path(s, id, path);
    return {};
  });
}

result<void> table::set_limits(const std::string& name, const base::budget_limits& limits) {
  const std::lock_guard one_at_a_time(changing_);
  const auto* found = find(name);
  if (found == nullptr) return fail(errc::not_found, "find the account " + name);
  const auto row = row_of(found->row.id, limits);
  auto committed = commit([&](catalog::session& s) -> result<void> {
    if (limits == base::budget_limits()) {
      catalog::remove_allowance(s, row.owner);
    } else {
      catalog::put_allowance(s, row);
    }
    return {};
  });
  if (!committed) return committed;
  found->budget->set(limits);
  found->budget->set_used(0, 0);
  return {};
}

base::budget_ptr table::budget_of(const std::string& caller_id) const {
  const std::shared_lock lock(mutex_);
  if (const auto id = link_of_caller_id(caller_id)) {
    const auto* one = find_link(std::string(*id));
    return one == nullptr ? nullptr : one->budget;
  }
  const auto found = accounts_.find(caller_id);
  return found == accounts_.end() ? nullptr : found->second.budget;
}

std::string table::name_of_caller(const std::string& caller_id) const {
  if (const auto id = link_of_caller_id(caller_id)) return "link " + std::string(*id);
  return name_of(caller_id);
}

}  // namespace sluice::access
