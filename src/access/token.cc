#include "access/token.h"

#include <sodium.h>

#include <array>
#include <stdexcept>
#include <vector>

#include "access/sodium_start.h"
#include "base/bytes.h"

namespace sluice::access {
namespace {

constexpr std::size_t token_bytes = 32;
constexpr int alphabet = sodium_base64_VARIANT_URLSAFE_NO_PADDING;

}  // namespace

void need_sodium() {
  static const bool ready = sodium_init() >= 0;
  if (!ready) throw std::runtime_error("libsodium does not start");
}

base::secret make_token() {
  need_sodium();
  std::array<unsigned char, token_bytes> random{};
  randombytes_buf(random.data(), random.size());
  std::string text(sodium_base64_encoded_len(token_bytes, alphabet), '\0');
  sodium_bin2base64(text.data(), text.size(), random.data(), random.size(), alphabet);
  sodium_memzero(random.data(), random.size());
  text.pop_back();  // the NUL at its end
  text.insert(0, token_prefix);
  return base::secret(std::move(text));
}

std::optional<catalog::token_digest> digest_of_token(std::string_view text) {
  if (!text.starts_with(token_prefix)) return std::nullopt;
  text.remove_prefix(token_prefix.size());
  if (text.size() + 1 != sodium_base64_encoded_len(token_bytes, alphabet)) return std::nullopt;
  std::array<unsigned char, token_bytes> random{};
  std::size_t count = 0;
  const int wrong = sodium_base642bin(random.data(), random.size(), text.data(), text.size(),
                                      nullptr, &count, nullptr, alphabet);
  if (wrong != 0 || count != token_bytes) return std::nullopt;
  catalog::token_digest digest;
  crypto_hash_sha256(reinterpret_cast<unsigned char*>(digest.data()), random.data(), random.size());
  sodium_memzero(random.data(), random.size());
  return digest;
}

bool same_digest(const catalog::token_digest& a, const catalog::token_digest& b) noexcept {
  return sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string random_name(std::size_t bytes) {
  need_sodium();
  std::vector<std::byte> random(bytes);
  randombytes_buf(random.data(), random.size());
  return base::to_hex(random);
}

}  // namespace sluice::access
