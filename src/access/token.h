// Tokens: 256 random bits as text that can be recognised in a leak, and what is kept of them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "catalog/accounts.h"

namespace sluice::access {

inline constexpr std::string_view token_prefix = "sluice_";

// "sluice_" and 43 characters of base64url (RFC 4648, 5).
[[nodiscard]] base::secret make_token();

// What the catalog keeps of it; a digest without salt, since nobody can guess 256 bits. nullopt:
// this is no token.
[[nodiscard]] std::optional<catalog::token_digest> digest_of_token(std::string_view text);

// Whether they are the same, in a time that does not tell where they differ.
[[nodiscard]] bool same_digest(const catalog::token_digest& a,
                               const catalog::token_digest& b) noexcept;

// Random bytes in hexadecimal: a name for what has none.
[[nodiscard]] std::string random_name(std::size_t bytes);

}  // namespace sluice::access
