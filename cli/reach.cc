#include "cli/reach.h"

#include "cli/command.h"
#include "cli/keys.h"
#include "cli/printer.h"

namespace sluice::cli {

void add_reach_flags(CLI::App& app, reach_flags& flags) {
  add_timeout_flag(app, flags.timeout_s);
  add_login_flag(app);
  add_security_flags(app, flags.security);
}

void apply(const reach_flags& flags, client::session_options& options, printer& out) {
  options.timeout = as_timeout(flags.timeout_s);
  options.security = flags.security;
  out.hear(options);
}

}  // namespace sluice::cli
