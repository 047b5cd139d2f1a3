#include "wire/error_message.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "wire/message.h"

namespace sluice::wire {
namespace {

constexpr std::uint32_t retry_after_ms = 1'000;

// At most `bytes` of `text`, not ending inside a character.
std::string_view cut(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  const auto inside = [&](std::size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
  };
  while (bytes > 0 && inside(bytes)) --bytes;
  return text.substr(0, bytes);
}

// One line of UTF-8.
std::string clean(std::string_view text, std::size_t bytes) {
  return std::string(cut(base::escape_unsafe(text), bytes));
}

}  // namespace

v1::Code to_wire(errc code) noexcept {
  switch (code) {
    case errc::invalid_argument: return v1::INVALID_ARGUMENT;
    case errc::unsupported: return v1::UNSUPPORTED;
    case errc::bad_frame:
    case errc::frame_too_large: return v1::PROTOCOL_VIOLATION;
    case errc::busy: return v1::BUSY;
    case errc::not_allowed: return v1::NOT_ALLOWED;
    case errc::insecure: return v1::INSECURE;
    case errc::not_found: return v1::NOT_FOUND;
    case errc::exists: return v1::EXISTS;
    case errc::not_empty: return v1::NOT_EMPTY;
    case errc::not_a_file: return v1::WRONG_KIND;
    case errc::conflict: return v1::CONFLICT;
    case errc::changed: return v1::CHANGED;
    case errc::bad_digest: return v1::BAD_DIGEST;
    case errc::no_space: return v1::NO_SPACE;
    case errc::timed_out: return v1::TIMED_OUT;
    // What the server ends by itself, it ends because it is going down.
    case errc::cancelled: return v1::SHUTTING_DOWN;
    case errc::io:
    case errc::end_of_stream:
    case errc::broken_stream:
    case errc::cannot_connect:
    case errc::cannot_listen: return v1::IO;
    case errc::internal: return v1::INTERNAL;
  }
  return v1::INTERNAL;
}

errc from_wire(v1::Code code) noexcept {
  switch (code) {
    case v1::INVALID_ARGUMENT: return errc::invalid_argument;
    case v1::UNSUPPORTED: return errc::unsupported;
    case v1::PROTOCOL_VIOLATION: return errc::bad_frame;
    case v1::BUSY:
    case v1::SHUTTING_DOWN: return errc::busy;
    case v1::NOT_ALLOWED: return errc::not_allowed;
    case v1::INSECURE: return errc::insecure;
    case v1::NOT_FOUND: return errc::not_found;
    case v1::EXISTS: return errc::exists;
    case v1::NOT_EMPTY: return errc::not_empty;
    case v1::WRONG_KIND: return errc::not_a_file;
    case v1::CONFLICT: return errc::conflict;
    case v1::CHANGED: return errc::changed;
    case v1::BAD_DIGEST: return errc::bad_digest;
    case v1::NO_SPACE: return errc::no_space;
    case v1::IO: return errc::io;
    case v1::TIMED_OUT: return errc::timed_out;
    default: return errc::internal;
  }
}

v1::Retry retry_of(v1::Code code) noexcept {
  switch (code) {
    case v1::BUSY:
    case v1::TIMED_OUT:
    case v1::SHUTTING_DOWN:
    case v1::BAD_DIGEST: return v1::LATER;
    case v1::EXISTS:
    case v1::NOT_EMPTY:
    case v1::CONFLICT:
    case v1::CHANGED:
    case v1::NO_SPACE: return v1::AFTER_CHANGE;
    default: return v1::NEVER;
  }
}

v1::Error to_wire(const error& failure, std::string_view path) {
  v1::Error message;
  const auto code = to_wire(failure.code);
  message.set_code(code);
  message.set_text(clean(failure.message(), max_error_text_bytes));
  message.set_path(clean(path, max_error_path_bytes));
  message.set_retry(retry_of(code));
  // A damaged block may be sent again at once.
  if (message.retry() == v1::LATER && code != v1::BAD_DIGEST) {
    message.set_retry_after_ms(retry_after_ms);
  }
  return message;
}

error told_error(errc code, std::string_view said) {
  auto text = clean(said, max_error_text_bytes);
  const auto phrase = to_string(code);
  if (text == phrase) {
    text.clear();
  } else if (const auto ending = fmt::format(": {}", phrase); text.ends_with(ending)) {
    text.resize(text.size() - ending.size());
  }
  return {.code = code, .context = std::move(text)};
}

error from_wire(const v1::Error& failure) {
  auto told = told_error(from_wire(failure.code()), failure.text());
  if (told.context.empty()) told.context = clean(failure.path(), max_error_path_bytes);
  return told;
}

void append_error(std::vector<std::byte>& out, std::uint32_t request, const v1::Error& failure) {
  if (append_message(out, kind::error, request, last, failure)) return;
  // Only texts over the limit can fail, and those of to_wire are below it.
  v1::Error bare;
  bare.set_code(failure.code());
  bare.set_retry(failure.retry());
  static_cast<void>(append_message(out, kind::error, request, last, bare));
}

void append_error(std::vector<std::byte>& out, std::uint32_t request, const error& failure,
                  std::string_view path) {
  append_error(out, request, to_wire(failure, path));
}

}  // namespace sluice::wire
