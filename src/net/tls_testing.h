// For tests: two ends of a connection inside TLS, on one io_context.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <filesystem>
#include <fstream>
#include <string>

#include "net/connected.h"
#include "net/path_tuning.h"
#include "net/stream.h"
#include "net/tls_certificate.h"
#include "net/tls_client.h"
#include "net/tls_link.h"
#include "net/tls_server.h"

namespace sluice::net {

// A server's certificate and key in a folder that goes with this.
class certificate_files {
 public:
  certificate_files() {
    std::string pattern = std::filesystem::temp_directory_path() / "sluice-tls-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    make();
  }
  ~certificate_files() { std::filesystem::remove_all(folder_); }
  certificate_files(const certificate_files&) = delete;
  certificate_files& operator=(const certificate_files&) = delete;

  void make() const {
    const auto made = make_self_signed({"localhost", "127.0.0.1"});
    ASSERT_TRUE(made) << made.error().message();
    std::ofstream(files().certificate) << made->certificate_pem;
    std::ofstream(files().key) << made->key_pem;
  }
  [[nodiscard]] tls_files files() const { return {folder_ / "tls.crt", folder_ / "tls.key"}; }

 private:
  std::filesystem::path folder_;
};

// What a handshake of both ends came to.
struct handshakes {
  result<void> server = fail(errc::internal, "not over");
  result<tls_identity> client = fail(errc::internal, "not over");
};

inline awaitable<void> accept_into(stream& peer, const tls_server& as, result<void>& outcome) {
  outcome = co_await accept_tls(peer, as);
}

inline awaitable<void> connect_into(stream& peer, tls_client& as, std::string host,
                                    const char* protocol, result<tls_identity>& outcome) {
  auto connecting = as.connect(peer, std::move(host), 1, protocol);
  outcome = co_await std::move(connecting);
}

inline handshakes shake(connected& ends, const tls_server& server, tls_client& client,
                        const char* protocol = alpn_native) {
  handshakes outcome;
  ends.start(accept_into(ends.far(), server, outcome.server));
  ends.start(connect_into(ends.near(), client, "localhost", protocol, outcome.client));
  ends.run();
  return outcome;
}

}  // namespace sluice::net
