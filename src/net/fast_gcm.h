// AES-GCM for TLS with the wide instructions of newer processors (VAES, AVX-512).
#pragma once

namespace sluice::net {

// OpenSSL 3.0 encrypts with instructions of 2010; Intel's library (libipsec-mb), where the build
// has it and the processor those instructions, takes a third of the time. For SSL_CTX_new_ex: the
// property query that prefers it; null where OpenSSL's own is all there is. Any thread.
[[nodiscard]] const char* fast_gcm_query();

}  // namespace sluice::net
