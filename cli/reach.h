// How a command reaches its server.
#pragma once

#include "client/client.h"

namespace CLI {
class App;
}

namespace sluice::cli {

class printer;

struct reach_flags {
  double timeout_s = 30;
  client::security security;
};

// --timeout, --token-file, --plaintext, --tls-fingerprint and --known-hosts.
void add_reach_flags(CLI::App& app, reach_flags& flags);

// What connections have to say goes to `out`, which outlives them.
void apply(const reach_flags& flags, client::session_options& options, printer& out);

}  // namespace sluice::cli
