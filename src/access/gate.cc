#include "access/gate.h"

#include <sodium.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "access/password.h"
#include "access/token.h"

namespace sluice::access {
namespace {

error wrong_password() {
  return {errc::not_allowed, "log in: no such account, or another password"};
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
      pool_(limits.hashing, limits.hashing_waiting) {
  (void)hash_of_nobody();  // not in the time of the first who asks for an unknown account
}

login gate::by_token(const base::secret& text) const {
  auto found = table_.find_by_token(text);
  if (found) return std::move(*found);
  return std::unexpected(denial{found.error()});
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
base::caller_ptr gate::recall(const std::string& account, const digest& of) {
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
  return table_.caller_of(*kept);
}

void gate::remember(const digest& of, const kept_password& what) {
  const auto until = backoff::clock::now() + limits_.remembered_for;
  const std::lock_guard lock(mutex_);
  remembered_.push_front({of, what, until});
  if (remembered_.size() > limits_.remembered_max) remembered_.pop_back();
}

std::optional<denial> gate::check_patience(const std::string& account, const std::string& address) {
  const auto now = backoff::clock::now();
  auto wait = addresses_.begin_try(address, now);
  if (wait.count() == 0) wait = accounts_.begin_try(account, now);
  if (wait.count() == 0) return std::nullopt;
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait);
  return denial{{errc::busy, "log in: too many wrong passwords; try again in " +
                                 std::to_string(seconds.count()) + " s, or use a token"},
                seconds};
}

login gate::judge(const std::string& account, const base::secret& password,
                  const std::string& address) {
  const auto kept = table_.find_password(account);
  const bool fits = matches(kept ? kept->hash : hash_of_nobody(), password);
  if (!kept || !fits) return std::unexpected(denial{wrong_password()});
  addresses_.forgive(address);
  accounts_.forgive(account);
  remember(digest_of(account, password), *kept);
  return table_.caller_of(*kept);
}

void gate::by_password(std::string account, base::secret password, const std::string& address,
                       login_callback done) {
  if (account.size() > table::name_bytes_max || password.size() > password_bytes_max) {
    return done(std::unexpected(denial{wrong_password()}));
  }
  if (auto known = recall(account, digest_of(account, password))) return done(std::move(known));
  if (auto denied = check_patience(account, address)) return done(std::unexpected(*denied));
  struct question {
    std::string account;
    base::secret password;
    std::string address;
    login_callback done;
  };
  auto asked =
      std::make_shared<question>(std::move(account), std::move(password), address, std::move(done));
  const bool taken = pool_.try_run(
      [this, asked] { asked->done(judge(asked->account, asked->password, asked->address)); });
  if (taken) return;
  asked->done(
      std::unexpected(denial{{errc::busy, "log in: many log in right now; try again in a moment"},
                             std::chrono::seconds(1)}));
}

std::size_t gate::entries() const {
  const std::lock_guard lock(mutex_);
  return accounts_.size() + addresses_.size() + remembered_.size();
}

}  // namespace sluice::access
