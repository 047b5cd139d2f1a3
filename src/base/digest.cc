#include "base/digest.h"

#include <xxhash.h>

#include <cstring>
#include <new>

#include "base/bytes.h"

// Debian's shared libxxhash exports the run-time dispatch for x86 (its static library does not). On
// other machines the plain functions are compiled for the best set that the architecture
// guarantees.
#if defined(__x86_64__) && __has_include(<xxh_x86dispatch.h>)
#include <xxh_x86dispatch.h>
#endif

namespace sluice::base {

struct digest_stream::state {
  XXH3_state_t* xxh;
};

namespace {

digest128 canonical(XXH128_hash_t hash) noexcept {
  XXH128_canonical_t text;
  XXH128_canonicalFromHash(&text, hash);
  digest128 digest;
  static_assert(sizeof text.digest == sizeof digest.bytes);
  std::memcpy(digest.bytes.data(), text.digest, sizeof text.digest);
  return digest;
}

}  // namespace

// xxh_x86dispatch.h renames these calls to their dispatching forms.
digest128 digest_of(std::span<const std::byte> content) noexcept {
  return canonical(XXH3_128bits(content.data(), content.size()));
}

std::string to_hex(const digest128& digest) { return to_hex(std::span(digest.bytes)); }

std::optional<digest128> parse_digest(std::string_view text) noexcept {
  digest128 digest;
  if (!from_hex(text, digest.bytes)) return std::nullopt;
  return digest;
}

digest_stream::digest_stream() : state_(new state{XXH3_createState()}) {
  if (state_->xxh == nullptr) throw std::bad_alloc();
  reset();
}

digest_stream::~digest_stream() {
  if (state_) XXH3_freeState(state_->xxh);
}

digest_stream::digest_stream(digest_stream&&) noexcept = default;

digest_stream& digest_stream::operator=(digest_stream&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

void digest_stream::update(std::span<const std::byte> piece) noexcept {
  XXH3_128bits_update(state_->xxh, piece.data(), piece.size());
}

digest128 digest_stream::digest() const noexcept {
  return canonical(XXH3_128bits_digest(state_->xxh));
}

void digest_stream::reset() noexcept { XXH3_128bits_reset(state_->xxh); }

}  // namespace sluice::base
