#include "client/sha256.h"

#include <openssl/evp.h>

#include <new>

namespace sluice::client {

struct sha256_stream::state {
  EVP_MD_CTX* context = EVP_MD_CTX_new();

  state() {
    if (context == nullptr || EVP_DigestInit_ex(context, EVP_sha256(), nullptr) != 1) {
      throw std::bad_alloc();
    }
  }
  ~state() { EVP_MD_CTX_free(context); }
  state(const state&) = delete;
  state& operator=(const state&) = delete;
};

sha256_stream::sha256_stream() : state_(std::make_unique<state>()) {}
sha256_stream::~sha256_stream() = default;
sha256_stream::sha256_stream(sha256_stream&&) noexcept = default;
sha256_stream& sha256_stream::operator=(sha256_stream&&) noexcept = default;

void sha256_stream::update(std::span<const std::byte> piece) {
  EVP_DigestUpdate(state_->context, piece.data(), piece.size());
}

sha256_value sha256_stream::value() const {
  const state copy;
  EVP_MD_CTX_copy_ex(copy.context, state_->context);
  sha256_value made{};
  EVP_DigestFinal_ex(copy.context, reinterpret_cast<unsigned char*>(made.data()), nullptr);
  return made;
}

std::optional<sha256_value> parse_repr_digest(std::string_view field) {
  constexpr std::string_view name = "sha-256=:";
  constexpr std::size_t digits = 44;  // of 32 bytes, one of them padding
  const auto at = field.find(name);
  if (at == std::string_view::npos) return std::nullopt;
  const auto text = field.substr(at + name.size());
  if (text.size() <= digits || text[digits] != ':' || text[digits - 1] != '=') return std::nullopt;
  std::array<unsigned char, 33> bytes{};
  const int count = EVP_DecodeBlock(
      bytes.data(), reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(digits));
  if (count != static_cast<int>(bytes.size())) return std::nullopt;
  sha256_value value{};
  for (std::size_t i = 0; i < value.size(); ++i) value[i] = static_cast<std::byte>(bytes[i]);
  return value;
}

}  // namespace sluice::client
