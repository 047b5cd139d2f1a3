// The callers that the table makes: strangers, accounts, tokens, links.
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
  enum class kind : std::uint8_t {
    stranger,
    account,  // somebody who logged in to an account by its password, as of `epoch`
    token,    // the bearer of the token `part` of an account
    link,     // who comes by the link `part`
  };
  // `id` as `caller::id` tells it.
  visitor(const table& of, kind what, std::string id, std::string part, std::uint64_t epoch,
          std::optional<std::int64_t> expires_s, base::origin from)
      : table_(of),
        what_(what),
        id_(std::move(id)),
        part_(std::move(part)),
        epoch_(epoch),
        expires_s_(expires_s),
        from_(std::move(from)) {}

  [[nodiscard]] base::rights may(std::string_view path) const override;
  [[nodiscard]] base::rights may_below(std::string_view path) const override;
  [[nodiscard]] std::uint64_t generation() const noexcept override;
  [[nodiscard]] const std::string& id() const noexcept override { return id_; }
  [[nodiscard]] std::string name() const override;
  [[nodiscard]] const base::origin& from() const noexcept override { return from_; }
  void note_refusal(base::right wanted, std::string_view path) const override;

 private:
  [[nodiscard]] base::rights ask(std::string_view path, bool below) const;
  [[nodiscard]] bool is_expired() const noexcept;

  const table& table_;
  const kind what_;
  const std::string id_;
  const std::string part_;
  const std::uint64_t epoch_;
  const std::optional<std::int64_t> expires_s_;
  const base::origin from_;
};

}  // namespace sluice::access
