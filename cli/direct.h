// send and recv without --plain: verified, encrypted, resumable (docs/wire.md, section 9).
#pragma once

#include <string>

#include "cli/command.h"
#include "sluice/host_port.h"

namespace sluice::cli {

struct direct_flags {
  std::string file;     // what to send, or where to receive to
  std::string connect;  // HOST:PORT
  std::string listen;
  std::string key;
  bool plain = false;
  bool overwrite = false;
  double timeout_s = 30;
  output_flags output;
};

// Where the other side is called, or waited for. invalid_argument: neither or both were said.
[[nodiscard]] result<host_port> meeting_place(const direct_flags& flags);

// The whole command; returns the exit code.
[[nodiscard]] int send_direct(direct_flags& flags);
[[nodiscard]] int receive_direct(direct_flags& flags);

}  // namespace sluice::cli
