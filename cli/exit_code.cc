#include "cli/exit_code.h"

namespace sluice::cli {

exit_code exit_code_of(errc code) noexcept {
  switch (code) {
    case errc::invalid_argument: return exit_usage;
    case errc::cannot_connect: return exit_cannot_connect;
    case errc::not_allowed:
    case errc::insecure: return exit_not_allowed;
    case errc::not_found: return exit_not_found;
    case errc::exists:
    case errc::not_empty:
    case errc::not_a_file:
    case errc::conflict:
    case errc::changed: return exit_conflict;
    case errc::bad_digest: return exit_verification;
    case errc::no_space: return exit_no_space;
    case errc::cancelled: return exit_interrupted;
    case errc::end_of_stream:
    case errc::broken_stream:
    case errc::timed_out:
    case errc::bad_frame:
    case errc::frame_too_large:
    case errc::unsupported:
    case errc::cannot_listen:
    case errc::busy:
    case errc::io:
    case errc::internal: return exit_failed;
  }
  return exit_failed;
}

std::string_view advice(errc code) noexcept {
  switch (code) {
    case errc::end_of_stream:
    case errc::broken_stream:
    case errc::timed_out: return "run it again when the network is back";
    case errc::cancelled: return "run it again to resume";
    case errc::cannot_connect:
      return "check that the other side runs and listens, and that host and port are right";
    case errc::cannot_listen: return "choose another address or port, or end what uses it";
    case errc::busy: return "try again in a moment";
    case errc::exists: return "choose another name, or give --overwrite where the command has it";
    case errc::not_empty: return "give -r to remove a folder with all that is in it";
    case errc::conflict: return "look at what is there now, and run it again";
    case errc::changed: return "run it again when nobody writes to the file";
    case errc::bad_digest:
      return "run it again; if it stays, check the memory and disks of both sides";
    case errc::no_space: return "make room on the receiving side; then run it again";
    case errc::unsupported: return "use versions of the program that fit each other on both sides";
    case errc::internal: return "this is a bug in sluice; please report it with this message";
    case errc::not_allowed:
      return "log in with: sluice login URL; for a local file, check its permissions";
    case errc::insecure:  // says by itself what would help
    case errc::invalid_argument:
    case errc::bad_frame:
    case errc::frame_too_large:
    case errc::not_found:
    case errc::not_a_file:
    case errc::io: return "";
  }
  return "";
}

}  // namespace sluice::cli
