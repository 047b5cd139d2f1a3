// sluice::error <-> the Error message of the protocol. Pure functions; usable from any thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "sluice/error.h"
#include "wire/sluice.pb.h"

namespace sluice::wire {

// Longest text and path that an Error carries, in bytes of UTF-8; what is over is cut.
inline constexpr std::size_t max_error_text_bytes = 1'024;
inline constexpr std::size_t max_error_path_bytes = 4'096;

// Several of our codes share one of the protocol's; the table is in error_message.cc.
[[nodiscard]] v1::Code to_wire(errc code) noexcept;
// Unknown codes are `internal`. SHUTTING_DOWN is `busy`: trying later may help.
[[nodiscard]] errc from_wire(v1::Code code) noexcept;
// Whether, and when, the same request is worth another try.
[[nodiscard]] v1::Retry retry_of(v1::Code code) noexcept;

// The text is the error's message: context and phrase, in one line, made UTF-8 where it is not
// (names of files need not be). With LATER comes a hint of how long to wait.
[[nodiscard]] v1::Error to_wire(const error& failure, std::string_view path = {});
// What a peer says went wrong, by whatever protocol: without control characters, and without the
// phrase of the code where it ends in it, so that `message()` does not say it twice.
[[nodiscard]] error told_error(errc code, std::string_view text);
[[nodiscard]] error from_wire(const v1::Error& failure);

// Appends the ERROR frame of a request (with LAST), or of the connection (request 0).
void append_error(std::vector<std::byte>& out, std::uint32_t request, const v1::Error& failure);
void append_error(std::vector<std::byte>& out, std::uint32_t request, const error& failure,
                  std::string_view path = {});

}  // namespace sluice::wire
