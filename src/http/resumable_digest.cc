#include "http/resumable_digest.h"

#include <openssl/evp.h>

#include <array>
#include <utility>

namespace sluice::http {
namespace {

const EVP_MD* find(std::string_view algorithm) {
  if (algorithm == "md5") return EVP_md5();
  if (algorithm == "sha1") return EVP_sha1();
  if (algorithm == "sha256" || algorithm == "sha-256") return EVP_sha256();
  if (algorithm == "sha512" || algorithm == "sha-512") return EVP_sha512();
  return nullptr;
}

}  // namespace

struct content_digest::state {
  state() : context(EVP_MD_CTX_new()) {}
  ~state() { EVP_MD_CTX_free(context); }
  state(const state&) = delete;
  state& operator=(const state&) = delete;

  EVP_MD_CTX* context;
};

content_digest::content_digest(std::string algorithm, std::unique_ptr<state> made)
    : algorithm_(std::move(algorithm)), state_(std::move(made)) {}
content_digest::~content_digest() = default;
content_digest::content_digest(content_digest&&) noexcept = default;
content_digest& content_digest::operator=(content_digest&&) noexcept = default;

std::optional<content_digest> content_digest::of(std::string_view algorithm) {
  const EVP_MD* kind = find(algorithm);
  if (kind == nullptr) return std::nullopt;
  auto made = std::make_unique<state>();
  if (made->context == nullptr) return std::nullopt;
  if (EVP_DigestInit_ex(made->context, kind, nullptr) != 1) return std::nullopt;
  return content_digest(std::string(algorithm), std::move(made));
}

void content_digest::update(std::span<const std::byte> piece) noexcept {
  EVP_DigestUpdate(state_->context, piece.data(), piece.size());
}

std::string content_digest::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  EVP_DigestFinal_ex(state_->context, bytes.data(), &size);
  return {bytes.begin(), bytes.begin() + size};
}

}  // namespace sluice::http
