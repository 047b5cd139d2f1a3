// Certificates (RFC 5280): what tells one from another, and making one's own.
#pragma once

#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/error.h"

namespace sluice::net {

// "SHA256:" and the digest of the certificate (its DER form) in 64 lower-case hexadecimal digits.
[[nodiscard]] std::string fingerprint_of(const X509& certificate);

// The same as people have it: with or without "SHA256:", with or without colons, in any case.
// invalid_argument: it is none.
[[nodiscard]] result<std::string> parse_fingerprint(std::string_view text);

struct self_signed {
  std::string certificate_pem;
  std::string key_pem;
};

// A new key (ECDSA on P-256) and a certificate for `names`, which are names and addresses, valid
// for ten years: who pins it does not look at the time. internal: OpenSSL says what.
[[nodiscard]] result<self_signed> make_self_signed(const std::vector<std::string>& names);

}  // namespace sluice::net
