#include "access/gate.h"

#include <sodium.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "access/password.h"
#include "access/token.h"
#include "base/bytes.h"

namespace sluice::access {
namespace {

error wrong_password() {
  return {errc::not_allowed, "log in: no such account, or another password"};
}

denial many_log_in() {
  return {{errc::busy, "log in: many log in right now; try again in a moment"},
          std::chrono::seconds(1)};
}

bool may_be_link(const std::string& account) { return account.starts_with(token_prefix); }

// What is kept of a try in memory is no secret, also where a link stands for the account.
std::string kept_name(const std::string& account) {
  if (!may_be_link(account)) return account;
  const auto digest = digest_of_token(account);
  return digest ? "link " + base::to_hex(*digest) : std::string("link");
}

std::string asker(const std::string& account, const std::string& address) {
  return address + ' ' + kept_name(account);
}

// In the record.
std::string_view shown_name(const std::string& account) {
  return may_be_link(account) ? std::string_view("(a link)") : std::string_view(account);
}

void add(crypto_generichash_state& to, std::string_view text) {
  const std::uint64_t size = text.size();
  crypto_generichash_update(&to, reinterpret_cast<const unsigned char*>(&size), sizeof size);
  crypto_generichash_update(&to, reinterpret_cast<const unsigned char*>(text.data()), text.size());
}

}  // namespace

gate::gate(table& of, gate_limits limits)
    : table_(of),
      limits_(limits),
      key_(make_token()),
      accounts_(limits.per_account),
      addresses_(limits.per_address),
      askers_(limits.askers_max),
      known_addresses_(limits.known_max),
      newcomers_(limits.newcomers_per_second),
      pool_(limits.hashing, limits.hashing_waiting) {
  (void)hash_of_nobody();  // not in the time of the first who asks for an unknown account
}

login gate::refuse(denial why, const base::origin& from, std::string_view account) const {
  table_.note({.from = from,
               .what = "log in",
               .path = std::string(account),
               .failed = why.why.code,
               .repeatable = true});
  return std::unexpected(std::move(why));
}

login gate::by_token(const base::secret& text, const base::origin& from) const {
  auto found = table_.find_by_token(text, from);
  if (found) return std::move(*found);
  denial why{found.error()};
  why.must_count = why.why.code == errc::busy;
  if (why.must_count) return std::unexpected(std::move(why));
  why.wants_password = table_.wants_password(text);
  return refuse(std::move(why), from, "");
}

login gate::by_link(const base::secret& text, const base::origin& from) {
  if (auto used = table_.use_link(text, from); !used) {
    return refuse(denial{used.error()}, from, "");
  }
  return by_token(text, from);
}

void gate::note_login(const base::caller& who) const {
  table_.note({.who = who.name(), .from = who.from(), .what = "log in", .repeatable = true});
}

gate::digest gate::digest_of(const std::string& account, const base::secret& password) const {
  crypto_generichash_state state;
  digest made{};
  crypto_generichash_init(&state, nullptr, 0, made.size());
  for (const auto text : {key_.reveal(), std::string_view(account), password.reveal()}) {
    add(state, text);
  }
  crypto_generichash_final(&state, reinterpret_cast<unsigned char*>(made.data()), made.size());
  sodium_memzero(&state, sizeof state);
  return made;
}

// Somebody whose password was right a moment ago, and is still the account's.
base::caller_ptr gate::recall(const std::string& account, const digest& of,
                              const base::origin& from) {
  const auto now = backoff::clock::now();
  std::optional<kept_password> found;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(remembered_, [now](const remembered& one) { return one.until <= now; });
    for (const auto& one : remembered_) {
      if (same_digest(one.of, of)) found = one.what;
    }
  }
  if (!found) return nullptr;
  const auto kept = table_.find_password(account);
  if (!kept || kept->account_id != found->account_id || kept->epoch != found->epoch) return nullptr;
  // A use of a link is counted on the pool.
  if (link_of_caller_id(kept->account_id) && table_.counts_uses(kept->account_id)) return nullptr;
  return table_.caller_of(*kept, from);
}

void gate::remember(const digest& of, const std::string& address, const kept_password& what) {
  const auto until = backoff::clock::now() + limits_.remembered_for;
  const std::lock_guard lock(mutex_);
  remembered_.push_front({of, what, until});
  if (remembered_.size() > limits_.remembered_max) remembered_.pop_back();
  known_addresses_.touch(address, {});
}

std::optional<hashing_pool::place> gate::place_of(const std::string& account,
                                                  const std::string& address) {
  const auto now = hashing_pool::clock::now();
  const auto who = asker(account, address);
  const std::lock_guard lock(mutex_);
  const bool is_known = known_addresses_.find(address) != nullptr;
  const bool is_new = !is_known && askers_.find(who) == nullptr;
  const auto since = askers_.touch(who, now);
  if (is_new && newcomers_.is_one_too_many(now)) return std::nullopt;
  return hashing_pool::place{.is_known = is_known, .since = since};
}

void gate::forget_asker(const std::string& account, const std::string& address) {
  const std::lock_guard lock(mutex_);
  askers_.erase(asker(account, address));
}

std::optional<denial> gate::check_patience(const std::string& account, const std::string& address) {
  const auto now = backoff::clock::now();
  auto wait = addresses_.begin_try(address, now);
  if (wait.count() == 0) {
    wait = accounts_.begin_try(kept_name(account), now);
    if (wait.count() == 0) return std::nullopt;
    addresses_.take_back(address);
  }
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait);
  return denial{{errc::busy, "log in: too many wrong passwords; try again in " +
                                 std::to_string(seconds.count()) + " s, or use a token"},
                seconds};
}

login gate::judge(const std::string& account, const base::secret& password,
                  const std::string& address, const base::origin& from) {
  forget_asker(account, address);
  const auto kept = table_.find_password(account);
  const bool fits = matches(kept ? kept->hash : hash_of_nobody(), password);
  if (!kept || !fits) {
    denial why{wrong_password()};
    why.wants_password = kept && link_of_caller_id(kept->account_id).has_value();
    return refuse(std::move(why), from, shown_name(account));
  }
  addresses_.forgive(address);
  accounts_.forgive(kept_name(account));
  if (link_of_caller_id(kept->account_id)) {
    const auto used = table_.use_link(base::secret::copy_of(account), from);
    if (!used) return refuse(denial{used.error()}, from, "");
  }
  remember(digest_of(account, password), address, *kept);
  return table_.caller_of(*kept, from);
}

void gate::by_password(std::string account, base::secret password, const std::string& address,
                       login_callback done, base::origin from) {
  if (account.size() > table::name_bytes_max || password.size() > password_bytes_max) {
    return done(refuse(denial{wrong_password()}, from, ""));
  }
  if (auto known = recall(account, digest_of(account, password), from)) {
    return done(std::move(known));
  }
  if (auto denied = check_patience(account, address)) {
    return done(refuse(std::move(*denied), from, shown_name(account)));
  }
  const auto place = place_of(account, address);
  if (!place) {
    // Not the address's: else a single one that makes up accounts keeps all newcomers from being
    // heard.
    accounts_.take_back(kept_name(account));
    base::wipe(account);  // it may be the secret of a link
    return done(std::unexpected(many_log_in()));
  }
  struct question {
    std::string account;
    base::secret password;
    std::string address;
    login_callback done;
    base::origin from;
  };
  auto asked = std::make_shared<question>(std::move(account), std::move(password), address,
                                          std::move(done), std::move(from));
  pool_.add(*place,
            {.run =
                 [this, asked] {
                   asked->done(judge(asked->account, asked->password, asked->address, asked->from));
                   base::wipe(asked->account);  // it may be the secret of a link
                 },
             .turn_away =
                 [this, asked] {
                   accounts_.take_back(kept_name(asked->account));
                   addresses_.take_back(asked->address);
                   base::wipe(asked->account);
                   asked->done(std::unexpected(many_log_in()));
                 }});
}

std::size_t gate::entries() const {
  const std::lock_guard lock(mutex_);
  return accounts_.size() + addresses_.size() + remembered_.size() + askers_.size() +
         known_addresses_.size();
}

}  // namespace sluice::access
