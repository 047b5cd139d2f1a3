// The one table that says who may do what: accounts with what is granted to them, the tokens that
// stand for them, and the links that stand for a part of what one may. It is in memory as a whole,
// so that every request can ask, and in the catalog, so that it lasts.
//
// Owner: whoever opens the catalog; outlives every caller that it made. Questions may come from any
// thread and block on nothing but a short lock. Changes block on the catalog, never on an I/O
// thread; they are in force, for running work too, when they return.
#pragma once

#include <atomic>
#include <cstdint>
#include <ctime>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "access/grants.h"
#include "access/link.h"
#include "base/audit_log.h"
#include "base/budget.h"
#include "base/permission.h"
#include "base/secret.h"
#include "catalog/accounts.h"
#include "catalog/database.h"
#include "catalog/links.h"

namespace sluice::access {

struct account_facts {
  std::string name;
  bool has_password = false;
  std::int64_t created_s = 0;
  std::vector<grant> grants{};
  base::budget_limits limits{};
  base::budget_use used{};
};

struct token_facts {
  std::string id;
  std::string account;  // its name
  std::string label{};
  bool session = false;
  grant scope;
  std::int64_t created_s = 0;
  std::optional<std::int64_t> expires_s{};  // wall clock
};

struct token_wish {
  std::string account;  // its name
  std::string label{};
  grant scope{"", base::rights::all()};  // what it can be used for, of what its account may do
  std::optional<std::int64_t> expires_s{};
  bool session = false;
};

struct made_token {
  std::string id;
  base::secret text;  // told once; not kept
};

// What a password is held against.
struct kept_password {
  std::string account_id;  // or that of a link: whom `caller_of` makes
  std::string hash;
  std::uint64_t epoch = 0;  // another one after it was changed
};

// Seconds since 1970-01-01 UTC. Any thread.
using wall_clock = std::int64_t (*)();
[[nodiscard]] inline std::int64_t seconds_now() { return std::time(nullptr); }

class table {
 public:
  static constexpr std::size_t accounts_max = 10'000;
  static constexpr std::size_t tokens_max = 100'000;
  static constexpr std::size_t grants_max = 256;   // of one account
  static constexpr std::size_t sessions_max = 64;  // of one account; the oldest one goes then
  static constexpr std::size_t links_max = 10'000;
  static constexpr std::size_t name_bytes_max = 64;

  // Reads what the catalog has. `of_strangers`: what is granted to those who say nothing of
  // themselves, everywhere. `database` outlives it.
  [[nodiscard]] static result<std::unique_ptr<table>> open(catalog::database& database,
                                                           base::rights of_strangers,
                                                           wall_clock clock = seconds_now);
  table(const table&) = delete;
  table& operator=(const table&) = delete;

  // --- who is it? ---
  [[nodiscard]] const base::caller_ptr& stranger() const noexcept { return stranger_; }
  [[nodiscard]] base::caller_ptr stranger(base::origin from) const;
  // Of a token, of a link, or of a session that one came to by a link.
  //   not_allowed: no token of ours, or not any more; or a link that wants its password
  //   busy: a link whose uses are counted, and this is one: see `use_link`
  [[nodiscard]] result<base::caller_ptr> find_by_token(const base::secret& text,
                                                       base::origin from = {}) const;
  // Of an account by its name, or of a link that has one by its secret.
  [[nodiscard]] std::optional<kept_password> find_password(const std::string& account) const;
  // Somebody whose password was right just now; of a link, and did not use it up.
  [[nodiscard]] base::caller_ptr caller_of(const kept_password& checked,
                                           base::origin from = {}) const;

  // --- what may it do? For its visitors ---
  [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }
  [[nodiscard]] base::rights rights_of_account(const std::string& id, std::uint64_t epoch,
                                               std::string_view path, bool below) const;
  [[nodiscard]] base::rights rights_of_token(const std::string& id, std::string_view path,
                                             bool below) const;
  [[nodiscard]] base::rights rights_of_link(const std::string& id, std::string_view path,
                                            bool below) const;
  [[nodiscard]] std::int64_t now_s() const { return clock_(); }
  [[nodiscard]] base::rights rights_of_strangers() const noexcept { return of_strangers_; }

  // --- changes ---
  // invalid_argument: no name; exists; busy: as many as may be
  [[nodiscard]] result<void> add_account(const std::string& name, const std::string& password_hash,
                                         const std::vector<grant>& grants);
  // Its tokens and logins end. not_found
  [[nodiscard]] result<void> remove_account(const std::string& name);
  // Its sessions and logins by password end, its tokens do not. not_found
  [[nodiscard]] result<void> set_password(const std::string& name,
                                          const std::string& password_hash);
  // In place of what was granted for this path; no rights: nothing any more. not_found, busy
  [[nodiscard]] result<void> put_grant(const std::string& name, const grant& what);
  // not_found: no such account; busy
  [[nodiscard]] result<made_token> add_token(const token_wish& wanted);
  // not_found
  [[nodiscard]] result<void> revoke_token(const std::string& id);
  // Where this is the text of a browser session. A token that is none goes on.
  [[nodiscard]] result<void> end_session(const base::secret& text);
  // All browser sessions of the account, and its logins by password. not_found
  [[nodiscard]] result<void> end_sessions(const std::string& name);
  // What the account may take in all from now on; its count begins anew. not_found
  [[nodiscard]] result<void> set_limits(const std::string& name, const base::budget_limits& limits);

  // --- links (table_links.cc) ---
  // `by` may do there what the link does: whoever calls asked. The account that it stands for makes
  // it.
  //   not_allowed: `by` is none; invalid_argument; busy: as many as may be
  [[nodiscard]] result<made_link> add_link(const base::caller& by, const link_wish& wanted);
  // not_found
  [[nodiscard]] result<void> revoke_link(const std::string& id);
  // Whose an id of `links` is: an account's id; "" where there is none.
  [[nodiscard]] std::string account_of_link(const std::string& id) const;
  // Those of one account, or all with "". Of what is shared `dead` says nothing: who knows the
  // folder looks.
  [[nodiscard]] std::vector<link_facts> links(const std::string& account_id) const;
  [[nodiscard]] std::optional<link_facts> link_of(const base::caller& who) const;
  // Counts one use of the link, durably, unless it came from there a while ago.
  //   not_allowed: it is used up, or no link of ours
  [[nodiscard]] result<void> use_link(const base::secret& text, const base::origin& from);
  // A link that is alive, and has a password.
  [[nodiscard]] bool wants_password(const base::secret& text) const;
  [[nodiscard]] bool counts_uses(const std::string& caller_id) const;
  // The cookie of a browser that came by this link, and said its password where it has one.
  [[nodiscard]] base::secret session_of_link(const base::secret& text) const;

  // What a caller with this id has to stay inside: what is shared, and where that was seen last.
  // None: the caller comes by no link.
  [[nodiscard]] std::optional<link_place> place_of(const std::string& caller_id) const;
  // What is renamed takes its links along. Between the two of them those links lead nowhere.
  void begin_move(const std::string& from);
  void end_move(const std::string& from, const std::optional<std::string>& to);

  // --- what somebody may take in all ---
  // Of a caller by its id; none for strangers.
  [[nodiscard]] base::budget_ptr budget_of(const std::string& caller_id) const;

  // --- the record ---
  void record_in(std::shared_ptr<base::audit_log> log) { audit_ = std::move(log); }
  void note(base::audit_line line) const {
    if (audit_) audit_->note(std::move(line));
  }
  // "anna", or "link " and its id.
  [[nodiscard]] std::string name_of_caller(const std::string& caller_id) const;

  [[nodiscard]] std::vector<account_facts> accounts() const;
  [[nodiscard]] std::vector<token_facts> tokens() const;
  // Of an account's id; "" where there is none.
  [[nodiscard]] std::string name_of(const std::string& account_id) const;

 private:
  struct account {
    catalog::account_row row;
    std::vector<grant> grants{};
    std::uint64_t epoch = 0;
    base::budget_ptr budget{};
  };
  struct link {
    catalog::link_row row;
    base::budget_ptr budget{};
    std::uint64_t epoch = 0;
    unsigned moving = 0;                           // it is being renamed, or something above it
    std::map<std::string, std::int64_t> visits{};  // address -> until; where uses are counted
  };
  using account_map = std::map<std::string, account, std::less<>>;  // by id

  table(catalog::database& database, base::rights of_strangers, wall_clock clock);
  [[nodiscard]] result<void> load();
  [[nodiscard]] result<void> commit(catalog::database::operation change);
  [[nodiscard]] account* find(const std::string& name);
  [[nodiscard]] const account* find(const std::string& name) const;
  void changed() noexcept { ++generation_; }
  void forget_token(const std::string& id);
  [[nodiscard]] std::vector<std::string> sessions_of(const std::string& account_id) const;
  [[nodiscard]] result<void> end_all(const std::vector<std::string>& token_ids);
  void load_links(catalog::session& s);
  void load_allowances(catalog::session& s);
  [[nodiscard]] link* find_link(const std::string& id);
  [[nodiscard]] const link* find_link(const std::string& id) const;
  [[nodiscard]] const link* find_link_by(const base::secret& text) const;
  [[nodiscard]] base::rights rights_of(const link& one) const;
  [[nodiscard]] bool is_session_of(const link& one, std::string_view secret,
                                   std::string_view proof) const;
  [[nodiscard]] static bool is_visit(const link& one, const std::string& address,
                                     std::int64_t now_s);
  [[nodiscard]] result<base::caller_ptr> come_by_link(const base::secret& text,
                                                      base::origin from) const;
  [[nodiscard]] link_facts facts_of(const link& one) const;

  catalog::database& database_;
  const base::rights of_strangers_;
  const wall_clock clock_;
  base::caller_ptr stranger_;
  std::mutex changing_;  // one change at a time, from the catalog to the memory; before `mutex_`
  mutable std::shared_mutex mutex_;
  account_map accounts_;
  std::map<std::string, std::string, std::less<>> names_;          // name -> id
  std::map<std::string, catalog::token_row, std::less<>> tokens_;  // by id
  std::map<catalog::token_digest, std::string> digests_;           // -> id of the token
  std::map<std::string, link, std::less<>> links_;                 // by id
  std::map<catalog::token_digest, std::string> link_digests_;      // -> id of the link
  std::shared_ptr<base::audit_log> audit_;
  std::uint64_t epochs_ = 0;
  std::atomic<std::uint64_t> generation_ = 1;
};

}  // namespace sluice::access
