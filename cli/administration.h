// Accounts and tokens, in the data folder of a server that is stopped, or over the wire of one that
// runs: for "sluice user" and "sluice token".
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/reach.h"
#include "client/client.h"
#include "server/accounts_folder.h"

namespace sluice::cli {

class printer;

// Where they are: one of both.
struct administration_flags {
  std::string data;
  std::string server;
  reach_flags reach;
};
void add_administration_flags(CLI::App& app, administration_flags& flags);

struct token_request {
  std::string account;
  std::string label;
  std::optional<access::grant> scope{};
  std::optional<std::int64_t> lifetime_s{};
};
struct token_reply {
  std::string id;
  base::secret text;
};

// Blocks. One thread. Errors: those of the table, or of the server.
class administration {
 public:
  // invalid_argument: neither or both are given; and those of accounts_folder::open
  [[nodiscard]] static result<std::unique_ptr<administration>> open(
      const administration_flags& flags, printer& out);
  virtual ~administration() = default;
  administration(const administration&) = delete;
  administration& operator=(const administration&) = delete;

  [[nodiscard]] virtual result<std::vector<access::account_facts>> accounts() = 0;
  // Without a password: an empty one.
  [[nodiscard]] virtual result<void> add_account(const std::string& name,
                                                 const base::secret& password,
                                                 const std::vector<access::grant>& grants) = 0;
  [[nodiscard]] virtual result<void> set_password(const std::string& name,
                                                  const base::secret& password) = 0;
  [[nodiscard]] virtual result<void> put_grant(const std::string& name,
                                               const access::grant& what) = 0;
  [[nodiscard]] virtual result<void> set_limits(const std::string& name,
                                                const base::budget_limits& limits) = 0;
  [[nodiscard]] virtual result<void> remove_account(const std::string& name) = 0;

  [[nodiscard]] virtual result<std::vector<access::token_facts>> tokens() = 0;
  [[nodiscard]] virtual result<token_reply> add_token(const token_request& wanted) = 0;
  [[nodiscard]] virtual result<void> revoke_token(const std::string& id) = 0;

 protected:
  administration() = default;
};

// A server's, over its API; see client::ask_api.
[[nodiscard]] std::unique_ptr<administration> administer(client::url server,
                                                         client::session_options options);

}  // namespace sluice::cli
