// The first message of TLS, looked at before there is anything of OpenSSL for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "net/stream.h"
#include "sluice/awaitable.h"
#include "sluice/error.h"

namespace sluice::net {

// The longest ClientHello that is taken: OpenSSL makes room for what one announces.
inline constexpr std::size_t client_hello_bytes_max = std::size_t{16} << 10;

// Of alerts (RFC 8446, 6), those that are sent without OpenSSL.
enum class tls_alert : std::uint8_t { handshake_failure = 40, decode_error = 50 };

// How many bytes the record of a ClientHello has whose first bytes these are; 0: more of them are
// needed. not_allowed: it is none, or longer than is taken. Pure.
[[nodiscard]] result<std::size_t> client_hello_record(std::span<const std::byte> begin);
inline constexpr std::size_t client_hello_head_bytes = 9;

// Waits until the kernel holds that record, and leaves it there: so a client that does not go on
// costs no memory of ours. A deadline is the caller's, who closes the stream.
//   end_of_stream, broken_stream, cancelled, and those of client_hello_record
[[nodiscard]] awaitable<result<void>> wait_for_client_hello(stream& from);

// Answers a ClientHello that nobody wants with a fatal alert, ends our side, and drops what came,
// so that closing the socket does not overtake the alert.
void send_alert(stream& to, tls_alert what);

}  // namespace sluice::net
