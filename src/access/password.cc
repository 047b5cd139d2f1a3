#include "access/password.h"

#include <sodium.h>

#include <array>

#include "access/sodium_start.h"
#include "access/token.h"

namespace sluice::access {
namespace {

constexpr unsigned long long passes = 2;
constexpr std::size_t memory_bytes = std::size_t{19} << 20;

}  // namespace

result<std::string> hash_password(const base::secret& password) {
  if (password.size() < password_bytes_min || password.size() > password_bytes_max) {
    return fail(errc::invalid_argument, "set a password: it has from " +
                                            std::to_string(password_bytes_min) + " to " +
                                            std::to_string(password_bytes_max) + " bytes");
  }
  need_sodium();
  std::array<char, crypto_pwhash_STRBYTES> hash{};
  const auto text = password.reveal();
  if (crypto_pwhash_str_alg(hash.data(), text.data(), text.size(), passes, memory_bytes,
                            crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return fail(errc::internal, "hash a password: no memory for it");
  }
  return std::string(hash.data());
}

bool matches(const std::string& hash, const base::secret& password) {
  if (hash.empty() || password.size() > password_bytes_max) return false;
  need_sodium();
  const auto text = password.reveal();
  return crypto_pwhash_str_verify(hash.c_str(), text.data(), text.size()) == 0;
}

const std::string& hash_of_nobody() {
  static const std::string hash = hash_password(make_token()).value_or("");
  return hash;
}

}  // namespace sluice::access
