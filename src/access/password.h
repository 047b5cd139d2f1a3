// Passwords, as argon2id keeps them (RFC 9106), with the parameters of OWASP's Password Storage
// Cheat Sheet: 19 MiB, two passes, one lane. Each call takes about 50 ms and 19 MiB: never on an
// I/O thread, and only a few at a time (hashing_pool.h).
#pragma once

#include <string>

#include "base/secret.h"
#include "sluice/error.h"

namespace sluice::access {

inline constexpr std::size_t password_bytes_min = 8;
inline constexpr std::size_t password_bytes_max = 1024;

// invalid_argument: shorter or longer than that; internal: no memory.
[[nodiscard]] result<std::string> hash_password(const base::secret& password);

// False also for a `hash` that is none.
[[nodiscard]] bool matches(const std::string& hash, const base::secret& password);

// Of a password that nobody knows: what an unknown account is held against, so that it takes as
// long as a known one.
[[nodiscard]] const std::string& hash_of_nobody();

}  // namespace sluice::access
