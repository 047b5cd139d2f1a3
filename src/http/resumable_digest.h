// Digests over the content of a request or of a file, where a protocol asks for them: tus'
// checksum, Content-Digest and Repr-Digest (RFC 9530).
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::http {

// Of one algorithm. One thread at a time; movable.
class content_digest {
 public:
  // "md5", "sha1", "sha256" or "sha512"; nullopt for another one, or one that the system's
  // cryptography refuses. "sha-256" and "sha-512" are the same as RFC 9530 names them.
  [[nodiscard]] static std::optional<content_digest> of(std::string_view algorithm);
  ~content_digest();
  content_digest(content_digest&&) noexcept;
  content_digest& operator=(content_digest&&) noexcept;

  [[nodiscard]] const std::string& algorithm() const noexcept { return algorithm_; }
  void update(std::span<const std::byte> piece) noexcept;
  // The raw bytes. Once: nothing can be added any more.
  [[nodiscard]] std::string finish();

 private:
  struct state;
  content_digest(std::string algorithm, std::unique_ptr<state> made);

  std::string algorithm_;
  std::unique_ptr<state> state_;
};

// Several at once.
using content_digests = std::vector<content_digest>;

// The algorithms that tus' checksum extension offers, in the form of Tus-Checksum-Algorithm.
inline constexpr std::string_view tus_checksum_algorithms = "sha1,sha256,sha512,md5";

}  // namespace sluice::http
