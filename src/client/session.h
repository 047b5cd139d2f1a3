// What one call of the client engine runs on: a thread of I/O, threads for the disk, buffers,
// connections, and the way to stop.
#pragma once

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/buffer_pool.h"
#include "base/rate.h"
#include "client/client.h"
#include "client/meter.h"
#include "net/direct_door.h"
#include "net/on_pool.h"
#include "net/pace.h"
#include "net/signal.h"
#include "net/tls_client.h"
#include "sluice/awaitable.h"

namespace sluice::client {

class connection;

// How often a lost connection is made anew. The count begins again whenever there was progress.
struct retry_policy {
  std::vector<std::chrono::milliseconds> pauses{
      std::chrono::milliseconds{100},   std::chrono::milliseconds{250},
      std::chrono::milliseconds{500},   std::chrono::milliseconds{1'000},
      std::chrono::milliseconds{2'000}, std::chrono::milliseconds{4'000}};
};

// Owned by the call, on its stack. The thread that calls run() is the I/O thread; all but
// `stopping` is for it alone.
class session {
 public:
  // Content is held in these and nowhere else: 24 MiB at the most.
  static constexpr std::size_t buffers_max = 24;

  session(const session_options& options, observer& watcher);
  ~session();
  session(const session&) = delete;
  session& operator=(const session&) = delete;

  // Runs `work` to its end, then closes all connections. Once.
  template <class T>
  [[nodiscard]] result<T> run(awaitable<result<T>> work) {
    std::optional<result<T>> outcome;
    asio::co_spawn(io_, std::move(work), [&](const std::exception_ptr& thrown, result<T> value) {
      if (thrown) threw(thrown);
      outcome = std::move(value);
      end();
    });
    run_to_end();
    return std::move(*outcome);
  }

  // From now on all connections are those of a direct transfer. Before run(). Errors of the door.
  [[nodiscard]] result<void> meet(net::direct_options options);
  // Null where connections are ordinary ones.
  [[nodiscard]] net::direct_door* door() noexcept { return door_.get(); }

  // A connection to the server of `where`: one that was given back, or a new one.
  awaitable<result<std::shared_ptr<connection>>> open(url where);
  // For the next open(); one with open requests is closed.
  void give_back(std::shared_ptr<connection> idle);

  // A pause that a stop ends early.
  awaitable<void> rest(std::chrono::milliseconds pause);

  // Runs `work()` on a thread for the disk and then `done(its result)` on the I/O thread. What they
  // refer to lives until then.
  template <class Work, class Done>
  void on_disk(Work work, Done done) {
    auto where = asio::prefer(io_.get_executor(), asio::execution::outstanding_work.tracked);
    asio::post(disk_, [this, where, work = std::move(work), done = std::move(done)]() mutable {
      try {
        auto value = work();
        asio::post(where, [done = std::move(done), value = std::move(value)]() mutable {
          done(std::move(value));
        });
      } catch (...) {
        asio::post(where, [this, thrown = std::current_exception()] { threw(thrown); });
      }
    });
  }

  [[nodiscard]] executor where() { return io_.get_executor(); }
  [[nodiscard]] net::blocking_pool& disk() noexcept { return disk_; }
  [[nodiscard]] base::buffer_pool& buffers() noexcept { return buffers_; }
  [[nodiscard]] meter& progress() noexcept { return meter_; }
  [[nodiscard]] std::chrono::milliseconds timeout() const noexcept { return options_.timeout; }
  // The token for a server, or nullptr.
  [[nodiscard]] const base::secret* key_for(const url& server) const noexcept {
    return options_.keys ? options_.keys->find(server) : nullptr;
  }
  // Of a link, or nullptr.
  [[nodiscard]] const base::secret* password_for(const url& server) const noexcept {
    return options_.keys ? options_.keys->password_for(server) : nullptr;
  }
  // More is said than a key: a password.
  void expect_secrets() noexcept { expects_secrets_ = true; }
  // What is sent to this server nobody on the way may read.
  [[nodiscard]] bool tells_secrets(const url& server) const noexcept {
    return expects_secrets_ || key_for(server) != nullptr;
  }
  // What to wait for behind so many bytes; empty: go as fast as can be.
  [[nodiscard]] net::pace::meter pace();
  [[nodiscard]] const client::security& security() const noexcept { return options_.security; }
  // What its connections with TLS share, made with the first of them; null: it cannot be set up.
  [[nodiscard]] net::tls_client* tls();
  // Certificates that were found to be right: not to be looked up again for each connection.
  [[nodiscard]] bool trusts(const std::string& place, const std::string& fingerprint) const;
  void trust(const std::string& place, const std::string& fingerprint) {
    trusted_.insert_or_assign(place, fingerprint);
  }
  void tell_new_host(const std::string& text) const {
    if (options_.on_new_host) options_.on_new_host(text);
  }
  [[nodiscard]] const retry_policy& retries() const noexcept { return retries_; }
  void set_retries(retry_policy policy) { retries_ = std::move(policy); }

  // Any thread.
  [[nodiscard]] bool stopping() const noexcept { return stopping_.load(std::memory_order_relaxed); }

  // Something threw in a coroutine that nobody waits for: all ends, and run() throws it.
  void threw(const std::exception_ptr& thrown);

 private:
  friend class connection;
  void run_to_end();
  void stop();
  void end();
  void close_all(const error& why);

  const session_options options_;
  std::unique_ptr<net::tls_client> tls_;        // outlives the connections
  std::map<std::string, std::string> trusted_;  // fingerprints by "host:port"
  std::vector<connection*> connections_;        // all that are open; the last ones go with io_
  asio::io_context io_{1};
  net::blocking_pool disk_;
  base::buffer_pool buffers_{buffers_max};
  meter meter_;
  retry_policy retries_;
  net::signal stopped_;
  std::atomic<bool> stopping_ = false;
  bool expects_secrets_ = false;
  std::exception_ptr thrown_;
  base::rate rate_;
  std::vector<std::shared_ptr<connection>> idle_;
  std::unique_ptr<net::direct_door> door_;
};

// The policy at work: says whether, and after which pause, to try once more.
class patience {
 public:
  explicit patience(session& from) : session_(from) {}
  void progress() noexcept { failures_ = 0; }
  // After a failure: pauses. False when it was none of the connection, when it is enough, or the
  // session stops.
  awaitable<bool> once_more(error why);

 private:
  session& session_;
  std::size_t failures_ = 0;
};

}  // namespace sluice::client
