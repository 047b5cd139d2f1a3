#include "sluice/error.h"

#include <algorithm>
#include <array>
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
    case errc::not_empty: return "folder not empty";
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

struct system_error {
  int errno_value;
  errc code;
};

// All others are errc::io.
constexpr std::array system_errors{
    system_error{ENOENT, errc::not_found},
    system_error{EEXIST, errc::exists},
    system_error{ENOTEMPTY, errc::not_empty},
    system_error{ENOTDIR, errc::not_a_file},
    system_error{EISDIR, errc::not_a_file},
    system_error{EACCES, errc::not_allowed},
    system_error{EPERM, errc::not_allowed},
    system_error{EROFS, errc::not_allowed},
    system_error{ELOOP, errc::not_allowed},
    system_error{EXDEV, errc::not_allowed},
    system_error{ENOSPC, errc::no_space},
    system_error{EDQUOT, errc::no_space},
    system_error{ENAMETOOLONG, errc::invalid_argument},
    system_error{EINVAL, errc::invalid_argument},
    system_error{EMFILE, errc::busy},
    system_error{ENFILE, errc::busy},
    system_error{EBUSY, errc::busy},
    system_error{ECONNREFUSED, errc::cannot_connect},
    system_error{EHOSTUNREACH, errc::cannot_connect},
    system_error{ENETUNREACH, errc::cannot_connect},
    system_error{ECONNRESET, errc::broken_stream},
    system_error{EPIPE, errc::broken_stream},
    system_error{ETIMEDOUT, errc::timed_out},
    system_error{EADDRINUSE, errc::cannot_listen},
    system_error{EADDRNOTAVAIL, errc::cannot_listen},
    system_error{EIO, errc::io},
};

errc code_of(int errno_value) noexcept {
  const auto* found = std::ranges::find(system_errors, errno_value, &system_error::errno_value);
  return found == system_errors.end() ? errc::io : found->code;
}

std::string text_of(int errno_value) {
  return std::error_code(errno_value, std::generic_category()).message();
}

// The system's own text, which says more than the phrase of the code.
bool ends_with_the_systems_text(const error& why) {
  return std::ranges::any_of(system_errors, [&why](const system_error& each) {
    return each.code == why.code && why.context.ends_with(text_of(each.errno_value));
  });
}

}  // namespace

std::string error::message() const {
  const auto what = to_string(code);
  if (context.empty()) return std::string(what);
  if (context.ends_with(what) || ends_with_the_systems_text(*this)) return context;
  return context + ": " + std::string(what);
}

std::unexpected<error> fail_errno(int errno_value, std::string_view context) {
  std::string text(context);
  text += ": ";
  text += text_of(errno_value);
  return fail(code_of(errno_value), std::move(text));
}

}  // namespace sluice
