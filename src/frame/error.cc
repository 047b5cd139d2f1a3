#include "sluice/error.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace sluice {

std::string_view to_string(errc code) noexcept {
  switch (code) {
    case errc::invalid_argument: return "invalid argument";
    case errc::end_of_stream: return "end of stream";
    case errc::broken_stream: return "the stream broke off";
    case errc::timed_out: return "timed out";
    case errc::cancelled: return "cancelled";
    case errc::bad_frame: return "malformed frame";
    case errc::frame_too_large: return "frame too large";
    case errc::unsupported: return "not supported";
    case errc::cannot_connect: return "cannot connect";
    case errc::cannot_listen: return "cannot listen";
    case errc::busy: return "busy, try again later";
    case errc::not_allowed: return "not allowed";
    case errc::insecure: return "not secure";
    case errc::not_found: return "not found";
    case errc::exists: return "already exists";
    case errc::not_empty: return "directory not empty";
    case errc::not_a_file: return "of the wrong kind (file or folder)";
    case errc::conflict: return "conflict";
    case errc::changed: return "changed while being read";
    case errc::bad_digest: return "content does not match its digest";
    case errc::no_space: return "no space left";
    case errc::io: return "input/output error";
    case errc::internal: return "internal error";
  }
  return "unknown error";
}

namespace {

// In ASCII without regard to case: the system says "Input/output error".
bool ends_with(std::string_view text, std::string_view end) noexcept {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return text.size() >= end.size() &&
         std::ranges::equal(text.substr(text.size() - end.size()), end, {}, lower, lower);
}

}  // namespace

std::string error::message() const {
  const auto what = to_string(code);
  if (context.empty()) return std::string(what);
  if (ends_with(context, what)) return context;
  return context + ": " + std::string(what);
}

namespace {

errc code_of(int errno_value) noexcept {
  switch (errno_value) {
    case ENOENT: return errc::not_found;
    case EEXIST: return errc::exists;
    case ENOTEMPTY: return errc::not_empty;
    case ENOTDIR:
    case EISDIR: return errc::not_a_file;
    case EACCES:
    case EPERM:
    case EROFS:
    case ELOOP:
    case EXDEV: return errc::not_allowed;
    case ENOSPC:
    case EDQUOT: return errc::no_space;
    case ENAMETOOLONG:
    case EINVAL: return errc::invalid_argument;
    case EMFILE:
    case ENFILE:
    case EBUSY: return errc::busy;
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH: return errc::cannot_connect;
    case ECONNRESET:
    case EPIPE: return errc::broken_stream;
    case ETIMEDOUT: return errc::timed_out;
    case EADDRINUSE:
    case EADDRNOTAVAIL: return errc::cannot_listen;
    default: return errc::io;
  }
}

}  // namespace

std::unexpected<error> fail_errno(int errno_value, std::string_view context) {
  std::string text(context);
  text += ": ";
  text += std::error_code(errno_value, std::generic_category()).message();
  return fail(code_of(errno_value), std::move(text));
}

}  // namespace sluice
