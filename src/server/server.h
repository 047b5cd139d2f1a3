// The server: configuration, threads, limits, start, drain, stop.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "http/service.h"
#include "native/service.h"
#include "server/certificate.h"
#include "server/storage.h"
#include "sluice/error.h"
#include "sluice/host_port.h"

namespace sluice::server {

struct options {
  std::filesystem::path root;           // the folder that is served
  std::filesystem::path data_dir;       // state; empty: root/.sluice
  std::vector<host_port> listen;        // at least one; port 0 lets the system pick
  std::vector<host_port> admin_listen;  // for /health and /metrics
  int backlog = 4096;
  std::size_t max_connections = 1'024;  // over all addresses; the next client is told BUSY
  std::size_t max_connections_of_an_address = 0;  // the same for one address; 0: any number
  unsigned threads = 0;                           // that move bytes; 0: one for each core
  native::session_limits limits;
  http::connection_limits http_limits;
  std::vector<std::string> hosts;  // names, in lower case, that a browser may know this server by
  storage_options storage;
  tls_options tls;
  std::chrono::milliseconds drain{30'000};  // for running transfers, once told to stop

  // Called once for each address before anything is served, on the caller's thread, with
  // "sluice://127.0.0.1:8080/", or with TLS "sluices://127.0.0.1:8080/".
  std::function<void(std::string_view url)> on_listening;
  // Called once behind them, where the server starts for the first time: the key of its owner, and
  // where it can be used. It is kept in `file`, too.
  std::function<void(const base::secret& key, const std::filesystem::path& file,
                     const std::vector<host_port>& where)>
      on_owner_key;
  // Before that, with TLS: "SHA256:..." of its certificate.
  std::function<void(std::string_view fingerprint)> on_certificate;
  // The same of the admin addresses, with "http://127.0.0.1:8081/".
  std::function<void(std::string_view url)> on_admin_listening;
};

// With TLS, SIGHUP reads the certificate anew: for connections from then on.
//
// Serves until SIGTERM or SIGINT, then drains: no new connection, no new request, running ones may
// end within `drain`. A second signal ends the process at once. Blocks; takes over these signals.
// One server a process.
//   cannot_listen, not_found, not_allowed, busy (the data folder is in use), io, unsupported,
//   invalid_argument (the certificate or its key)
[[nodiscard]] result<void> serve(const options& settings);

}  // namespace sluice::server
