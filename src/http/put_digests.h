// The digests that a client sends along with content: Content-Digest and Repr-Digest (RFC 9530).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "http/problem.h"
#include "http/request.h"
#include "http/resumable_digest.h"

namespace sluice::http {

// What a request claims, for content without a coding of its own: there both fields say the same.
// Algorithms that are not known here are left out, as the text has it.
class claimed_digests {
 public:
  // 400: a field that is no dictionary of byte sequences.
  [[nodiscard]] static parsed<claimed_digests> read(const request& asked);

  // For whoever sees the content: one for each claim, in their order.
  [[nodiscard]] content_digests begin() const;

  // Holds what was computed against the claims. bad_digest: one is not as claimed.
  [[nodiscard]] result<void> check(content_digests& computed) const;

 private:
  struct claim {
    std::string algorithm;
    std::string bytes;
  };
  std::vector<claim> claims_;
};

}  // namespace sluice::http
