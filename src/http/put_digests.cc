#include "http/put_digests.h"

#include "http/structured_fields.h"

namespace sluice::http {

parsed<claimed_digests> claimed_digests::read(const request& asked) {
  claimed_digests found;
  for (const auto* name : {"Content-Digest", "Repr-Digest"}) {
    if (!asked.has(name)) continue;
    const auto all = parse_sf_dictionary(asked.field(name));
    if (!all) {
      return std::unexpected(
          problem(status::bad_request, std::string(name) + " is no dictionary of digests"));
    }
    for (const auto& [algorithm, value] : *all) {
      const auto* bytes = std::get_if<sf_bytes>(&value);
      if (bytes == nullptr) {
        return std::unexpected(problem(
            status::bad_request, std::string(name) + ": " + algorithm + " is no byte sequence"));
      }
      const bool is_known = algorithm == "sha-256" || algorithm == "sha-512";
      if (is_known) found.claims_.push_back({algorithm, bytes->bytes});
    }
  }
  return found;
}

content_digests claimed_digests::begin() const {
  content_digests all;
  for (const auto& each : claims_) {
    if (auto digest = content_digest::of(each.algorithm)) all.push_back(std::move(*digest));
  }
  return all;
}

result<void> claimed_digests::check(content_digests& computed) const {
  for (std::size_t i = 0; i < claims_.size(); ++i) {
    if (i >= computed.size()) return fail(errc::unsupported, "compute " + claims_[i].algorithm);
    if (computed[i].finish() != claims_[i].bytes) {
      return fail(errc::bad_digest, "what arrived is not what " + claims_[i].algorithm +
                                        " says; nothing was stored, send it again");
    }
  }
  return {};
}

}  // namespace sluice::http
