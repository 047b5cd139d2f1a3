// The callers that the table makes: strangers, accounts, tokens.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/permission.h"

namespace sluice::access {

class table;

// Asks the table every time; holds ids and no secret. `of` outlives it.
class visitor final : public base::caller {
 public:
  // A stranger.
  explicit visitor(const table& of) : table_(of) {}
  // Somebody who logged in to an account by its password.
  visitor(const table& of, std::string account_id, std::uint64_t epoch)
      : table_(of), account_id_(std::move(account_id)), epoch_(epoch) {}
  // The bearer of a token.
  visitor(const table& of, std::string account_id, std::string token_id,
          std::optional<std::int64_t> expires_s)
      : table_(of),
        account_id_(std::move(account_id)),
        token_id_(std::move(token_id)),
        expires_s_(expires_s) {}

  [[nodiscard]] base::rights may(std::string_view path) const override;
  [[nodiscard]] base::rights may_below(std::string_view path) const override;
  [[nodiscard]] std::uint64_t generation() const noexcept override;
  [[nodiscard]] const std::string& id() const noexcept override { return account_id_; }

 private:
  [[nodiscard]] base::rights ask(std::string_view path, bool below) const;
  [[nodiscard]] bool is_expired() const noexcept;

  const table& table_;
  const std::string account_id_;
  const std::string token_id_;
  const std::uint64_t epoch_ = 0;
  const std::optional<std::int64_t> expires_s_;
};

}  // namespace sluice::access
