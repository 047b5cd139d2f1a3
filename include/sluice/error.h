// What can go wrong, and how it is told.
//
// Every operation of the library that can fail in an expected way returns a
// `result<T>`; nothing in the public API throws for such a failure. An `error` is a
// plain value: copyable, owns its text, safe to hand to another thread.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace sluice {

// The kinds of failure. `to_string` gives a short English phrase for each.
enum class errc : std::uint8_t {
  invalid_argument,  // the caller asked for something that cannot be
  end_of_stream,     // the peer ended the stream cleanly, between two frames
  broken_stream,     // the stream ended or was reset inside a frame
  timed_out,         // a deadline passed
  cancelled,         // we ended it ourselves
  bad_frame,         // bytes that are no frame or no message of the protocol
  frame_too_large,   // a frame over the configured maximum
  unsupported,       // a version or feature that this side does not speak
  cannot_connect,    // no address of the peer accepted a connection
  cannot_listen,     // the address could not be bound or listened on
  busy,              // a limit is reached; trying later may help
  not_allowed,       // the peer or the system refuses
  insecure,          // the peer cannot be trusted, or others could read what is said to it
  not_found,         // no such file or folder
  exists,            // the name is taken, nothing was overwritten
  not_empty,         // the folder still holds entries
  not_a_file,        // a file was needed and the name is a folder, or the reverse
  conflict,          // another writer was faster, or the request contradicts the state
  changed,           // the file changed while it was being read
  bad_digest,        // content does not match its digest
  no_space,          // the volume or a quota is full
  io,                // the operating system reported an input/output error
  internal,          // a bug; the context says where
};

[[nodiscard]] std::string_view to_string(errc code) noexcept;

// A failure. `context` says what was attempted, on which path or peer, and what the
// system said, in one line of English without a final full stop.
struct error {
  errc code = errc::internal;
  std::string context;

  // "context: phrase of the code", or one of them alone where the other would add nothing.
  [[nodiscard]] std::string message() const;

  friend bool operator==(const error&, const error&) = default;
};

template <class T>
using result = std::expected<T, error>;

// Makes the failed `result`: `return fail(errc::not_found, "open a/b.mp4");`
[[nodiscard]] inline std::unexpected<error> fail(errc code, std::string context = {}) {
  return std::unexpected<error>(error{code, std::move(context)});
}

// Makes the failed `result` of a system call that set `errno_value`; ENOENT becomes
// `not_found`, EEXIST `exists`, ENOSPC and EDQUOT `no_space`, and so on, all else `io`.
// The system's own text is appended to `context`.
[[nodiscard]] std::unexpected<error> fail_errno(int errno_value, std::string_view context);

}  // namespace sluice
