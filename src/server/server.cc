#include "server/server.h"

#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "access/owner_key.h"
#include "base/log.h"
#include "http/connection.h"
#include "native/session.h"
#include "net/address_key.h"
#include "net/parking.h"
#include "net/stream.h"
#include "net/tls_server.h"
#include "server/certificate.h"
#include "server/confine.h"
#include "server/greeting.h"
#include "server/reachable.h"
#include "server/storage.h"
#include "sluice/listener.h"

namespace sluice::server {
namespace {

namespace asio = boost::asio;

// Content on its way between disk and network, in all: 24 MiB.
constexpr std::size_t buffers = 24;
constexpr unsigned min_pool_threads = 4;
// Connections over the limit that are told so at the same time; those beyond are closed without a
// word.
constexpr std::size_t refusals = 64;
constexpr std::size_t admin_connections = 64;

unsigned thread_count(unsigned wanted) {
  return std::clamp(wanted > 0 ? wanted : std::thread::hardware_concurrency(), 1U, 64U);
}

// Descriptors are the first limit that many connections meet.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// The io_contexts that sessions live on, each with a thread; the first one's is the caller of
// run().
class io_threads {
 public:
  explicit io_threads(unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      contexts_.push_back(std::make_unique<asio::io_context>(1));
      guards_.emplace_back(contexts_.back()->get_executor());
    }
  }

  [[nodiscard]] asio::io_context& first() { return *contexts_.front(); }

  [[nodiscard]] std::vector<asio::io_context*> all() const {
    std::vector<asio::io_context*> pointers;
    pointers.reserve(contexts_.size());
    for (const auto& context : contexts_) pointers.push_back(context.get());
    return pointers;
  }

  // Returns after release(), when nothing is left to run.
  void run() {
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < contexts_.size(); ++i) {
      threads.emplace_back([context = contexts_[i].get()] { context->run(); });
    }
    first().run();
  }

  void release() { guards_.clear(); }

 private:
  std::vector<std::unique_ptr<asio::io_context>> contexts_;
  std::vector<asio::executor_work_guard<executor>> guards_;
};

// Connections of clients, awake or parked, and whoever waits for the last of them to end.
class connection_count {
 public:
  // Counted while this lives, on any thread.
  class place {
   public:
    explicit place(connection_count& all) : all_(all), number_(++all.count_) {}
    ~place() {
      if (--all_.count_ == 0) all_.tell();
    }
    place(const place&) = delete;
    place& operator=(const place&) = delete;
    // How many there were with it.
    [[nodiscard]] std::size_t number() const noexcept { return number_; }

   private:
    connection_count& all_;
    std::size_t number_;
  };

  // When no more come; on the thread of the io_context.
  awaitable<void> none(asio::io_context& where) {
    none_.emplace(where.get_executor(), steady_timer::time_point::max());
    where_ = &where;
    while (count_ > 0) (void)co_await none_->async_wait(as_tuple);
    none_.reset();
  }

 private:
  void tell() {
    auto* const where = where_.load();
    if (where == nullptr) return;
    asio::post(*where, [this] {
      if (none_) none_->cancel();
    });
  }

  std::atomic<std::size_t> count_ = 0;
  std::atomic<asio::io_context*> where_ = nullptr;
  std::optional<steady_timer> none_;
};

// Counts the connections of each address while they live; never more entries than connections.
class addresses {
 public:
  class place {
   public:
    place(addresses& of, std::string key) : of_(of), key_(std::move(key)) {
      const std::lock_guard lock(of_.mutex_);
      number_ = ++of_.counts_[key_];
    }
    ~place() {
      const std::lock_guard lock(of_.mutex_);
      const auto found = of_.counts_.find(key_);
      if (--found->second == 0) of_.counts_.erase(found);
    }
    place(const place&) = delete;
    place& operator=(const place&) = delete;
    [[nodiscard]] std::size_t number() const noexcept { return number_; }

   private:
    addresses& of_;
    const std::string key_;
    std::size_t number_ = 0;
  };

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, std::size_t> counts_;
};

// What the sessions of both protocols work with.
struct services {
  native::service native;
  http::service http;
  http::service admin;
  std::unique_ptr<net::tls_server> tls;  // none: plaintext
  std::size_t max_connections;
  connection_count connections{};
  std::size_t max_of_an_address;  // 0: any number
  addresses of_addresses{};
};

awaitable<result<void>> end_with(error why) { co_return std::unexpected(std::move(why)); }

awaitable<result<void>> refuse(net::protocol spoken, net::stream client, bool is_crowd,
                               services& shared) {
  boost::system::error_code unknown;
  const auto peer = to_string(client.socket().remote_endpoint(unknown));
  base::log_info("{}: refused, {} connections are open{}", peer,
                 is_crowd ? shared.max_of_an_address : shared.max_connections,
                 is_crowd ? " of its address" : "");
  if (spoken == net::protocol::native) {
    error why{errc::busy, is_crowd ? "your address has as many connections here as it may"
                                   : "this server has as many connections as it may"};
    co_await native::refuse(std::move(client), shared.native, std::move(why));
  } else if (spoken == net::protocol::http) {
    co_await http::refuse(std::move(client), shared.http, http::refusal::busy);
  }
  co_return result<void>{};
}

awaitable<result<void>> refuse_plain(net::protocol spoken, net::stream client, services& shared) {
  if (spoken == net::protocol::native) {
    error why{errc::insecure,
              "this server speaks TLS only; sluices:// in place of sluice:// asks for it anywhere"};
    co_await native::refuse(std::move(client), shared.native, std::move(why));
  } else if (spoken == net::protocol::http) {
    co_await http::refuse(std::move(client), shared.http, http::refusal::plaintext);
  }
  co_return fail(errc::insecure, "the client does not speak TLS");
}

// What a connection counts for while it lives, parked or not.
struct place {
  place(services& shared, std::string address)
      : of_all(shared.connections), of_address(shared.of_addresses, std::move(address)) {}

  const connection_count::place of_all;
  const addresses::place of_address;
};
using place_ptr = std::shared_ptr<const place>;

awaitable<result<void>> serve_protocol(net::protocol spoken, net::stream client,
                                       const place_ptr& here, services& shared) {
  switch (spoken) {
    case net::protocol::native: return native::serve(std::move(client), shared.native);
    case net::protocol::http: return http::serve(std::move(client), shared.http, here);
    case net::protocol::tls:
      return end_with({errc::unsupported, "the client wants TLS, and there is no certificate"});
    case net::protocol::unknown: break;
  }
  return end_with({errc::bad_frame, "the client speaks no protocol of this server"});
}

// What there is to be done for a connection after its first word.
awaitable<result<void>> answer(const result<greeting>& said, net::stream client,
                               const place_ptr& here, services& shared) {
  if (!said) return end_with(said.error());
  if (said->is_plain) return refuse_plain(said->speaks, std::move(client), shared);
  const bool is_crowd =
      shared.max_of_an_address > 0 && here->of_address.number() > shared.max_of_an_address;
  if (here->of_all.number() > shared.max_connections || is_crowd) {
    return refuse(said->speaks, std::move(client), is_crowd, shared);
  }
  return serve_protocol(said->speaks, std::move(client), here, shared);
}

void log_end(const tcp_endpoint& peer, const result<greeting>& said, const result<void>& outcome) {
  if (outcome) return base::log_debug("{}: left", to_string(peer));
  const bool left = !said && said.error().code == errc::end_of_stream;
  base::log(left ? base::log_level::debug : base::log_level::info, "{}: ended: {}{}",
            to_string(peer), said ? "" : "it said nothing: ", outcome.error().message());
}

// Its frame lives as long as the connection, and holds every argument that is made in a co_await:
// so what owns something is made outside of them.
awaitable<void> session_root(tcp_socket socket, services& shared) {
  // Sessions end by their own deadlines and by `draining`, never from outside in the middle of a
  // step.
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  boost::system::error_code unknown;
  const tcp_endpoint peer = socket.remote_endpoint(unknown);
  const auto here = std::make_shared<const place>(shared, net::address_key(peer));
  net::stream client(std::move(socket));
  auto asking = greet(client, shared.tls.get(), shared.native);
  const auto said = co_await std::move(asking);
  auto serving = answer(said, std::move(client), here, shared);
  const auto outcome = co_await std::move(serving);
  log_end(peer, said, outcome);
}

awaitable<void> admin_root(tcp_socket socket, http::service& shared) {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  net::stream client(std::move(socket));
  auto serving = http::serve(std::move(client), shared);
  const auto outcome = co_await std::move(serving);
  if (!outcome) base::log_debug("admin: ended: {}", outcome.error().message());
}

// Everything that lives as long as the server does; made in this order, destroyed in the reverse.
class running_server {
 public:
  running_server(const options& settings, std::unique_ptr<storage> stored,
                 std::unique_ptr<net::tls_server> tls)
      : settings_(settings),
        stored_(std::move(stored)),
        pool_(std::max(min_pool_threads, 2 * thread_count(settings.threads))),
        shared_{.native = {.uploads = *stored_->uploads,
                           .small_files = *stored_->small_files,
                           .downloads = *stored_->downloads,
                           .tree = *stored_->tree,
                           .scrubs = *stored_->scrubs,
                           .talk = *stored_->talk,
                           .gate = *stored_->gate,
                           .pool = pool_,
                           .buffers = buffers_,
                           .visitors = visitors_,
                           .limits = settings.limits,
                           .agent = "sluice/" SLUICE_VERSION},
                .http = http_service(http::surface::open, nullptr),
                .admin = http_service(http::surface::admin, &shared_.http.counts),
                .tls = std::move(tls),
                .max_connections = settings.max_connections,
                .max_of_an_address = settings.max_connections_of_an_address},
        threads_(thread_count(settings.threads)),
        signals_(threads_.first(), SIGTERM, SIGINT),
        hang_up_(threads_.first()),
        drain_deadline_(threads_.first().get_executor()) {}

  result<void> run() {
    if (shared_.tls) wait_for_hang_up();  // before anybody knows that there is a server
    // Somebody has to be let in, to let in the others.
    auto key = access::make_owner(*stored_->accounts, data());
    if (!key) return std::unexpected(key.error());
    if (auto listening = listen(); !listening) return listening;
    if (*key) tell_owner_key(**key);
    wait_for_signal();
    threads_.run();
    pool_.join();
    stored_.reset();  // while the io_contexts live: its threads may still post to them
    return {};
  }

 private:
  // For the constructor, with all made that comes before `shared_`.
  http::service http_service(http::surface shows, const http::counters* observed) {
    return {.uploads = *stored_->uploads,
            .small_files = *stored_->small_files,
            .downloads = *stored_->downloads,
            .posters = *stored_->posters,
            .tree = *stored_->tree,
            .events = *stored_->site->told,
            .talk = *stored_->talk,
            .gate = *stored_->gate,
            .pool = pool_,
            .buffers = buffers_,
            .visitors = visitors_,
            .limits = settings_.http_limits,
            .agent = "sluice/" SLUICE_VERSION,
            .hosts = settings_.hosts,
            .shows = shows,
            .observed = observed};
  }

  result<void> listen() {
    auto clients = open_listeners(settings_.listen, settings_.max_connections + refusals);
    if (!clients) return clients;
    const std::size_t of_clients = listeners_.size();
    auto admins = open_listeners(settings_.admin_listen, admin_connections);
    if (!admins) return admins;
    for (std::size_t i = 0; i < listeners_.size(); ++i) {
      const auto where = to_string(listeners_[i].local_endpoint());
      if (i < of_clients) {
        const std::string scheme = shared_.tls ? "sluices://" : "sluice://";
        if (settings_.on_listening) settings_.on_listening(scheme + where + "/");
        listeners_[i].serve(socket_session(
            [this](tcp_socket socket) { return session_root(std::move(socket), shared_); }));
      } else {
        if (settings_.on_admin_listening) settings_.on_admin_listening("http://" + where + "/");
        listeners_[i].serve(socket_session(
            [this](tcp_socket socket) { return admin_root(std::move(socket), shared_.admin); }));
      }
    }
    return {};
  }

  [[nodiscard]] std::filesystem::path data() const {
    return settings_.data_dir.empty() ? settings_.root / ".sluice" : settings_.data_dir;
  }

  // Where the server starts for the first time.
  void tell_owner_key(const base::secret& key) {
    if (!settings_.on_owner_key) return;
    std::vector<host_port> where;
    for (std::size_t i = 0; i < settings_.listen.size() && i < listeners_.size(); ++i) {
      const auto endpoint = listeners_[i].local_endpoint();
      const host_port listening(endpoint.address().to_string(), endpoint.port());
      std::ranges::move(reachable_at(listening), std::back_inserter(where));
    }
    settings_.on_owner_key(key, data() / access::owner_key_file, where);
  }

  result<void> open_listeners(const std::vector<host_port>& addresses, std::size_t max) {
    for (const auto& where : addresses) {
      listener_options opts;
      opts.backlog = settings_.backlog;
      opts.max_connections = max;
      opts.contexts = threads_.all();
      opts.hooks.on_trouble = [](const error& why) { base::log_warning("{}", why.message()); };
      auto opened = listener::open(threads_.first(), where, std::move(opts));
      if (!opened) return std::unexpected(opened.error());
      listeners_.push_back(std::move(*opened));
    }
    return {};
  }

  void wait_for_signal() {
    signals_.async_wait([this](const boost::system::error_code& failed, int number) {
      if (failed) return;
      if (shared_.native.draining.exchange(true)) std::_Exit(128 + number);
      shared_.http.draining = shared_.admin.draining = true;
      base::log_info("stopping: running transfers may end within {} s",
                     std::chrono::duration_cast<std::chrono::seconds>(settings_.drain).count());
      wait_for_signal();
      asio::co_spawn(threads_.first(), drain(), [](const std::exception_ptr& thrown) {
        if (thrown) std::rethrow_exception(thrown);
      });
    });
  }

  void wait_for_hang_up() {
    boost::system::error_code known;
    hang_up_.add(SIGHUP, known);
    hang_up_.async_wait([this](const boost::system::error_code& failed, int) {
      if (failed) return;
      asio::post(pool_, [this] { reload_certificate(); });
      wait_for_hang_up();
    });
  }

  // On the pool.
  void reload_certificate() {
    if (const auto loaded = shared_.tls->reload(); !loaded) {
      return base::log_error("{}; the certificate from before stays", loaded.error().message());
    }
    base::log_info("new connections see the certificate {}", shared_.tls->fingerprint());
  }

  void close_all() { shared_.native.closing = shared_.http.closing = shared_.admin.closing = true; }

  awaitable<void> drain() {
    for (auto& each : listeners_) each.stop();
    drain_deadline_.expires_after(settings_.drain);
    drain_deadline_.async_wait([this](const boost::system::error_code& cancelled) {
      if (!cancelled) close_all();
    });
    for (auto* each : threads_.all()) asio::post(*each, [each] { net::close_parked(*each); });
    for (auto& each : listeners_) co_await each.drained();
    co_await shared_.connections.none(threads_.first());
    drain_deadline_.cancel();
    signals_.cancel();
    hang_up_.cancel();
    listeners_.clear();
    threads_.release();
  }

  const options& settings_;
  std::unique_ptr<storage> stored_;
  net::blocking_pool pool_;
  base::buffer_pool buffers_{buffers};
  net::visitors visitors_;
  services shared_;
  io_threads threads_;
  asio::signal_set signals_;
  asio::signal_set hang_up_;  // SIGHUP
  steady_timer drain_deadline_;
  std::vector<listener> listeners_;
};

// Nothing where the server is to speak plaintext.
result<std::unique_ptr<net::tls_server>> open_tls(const options& settings) {
  if (!settings.tls.is_on()) return nullptr;
  std::optional<net::tls_files> files = settings.tls.files;
  if (!files) {
    const auto folder = settings.data_dir.empty() ? settings.root / ".sluice" : settings.data_dir;
    auto names = settings.hosts;
    for (const auto& where : settings.listen) names.push_back(where.host);
    auto kept = keep_certificate(folder, names);
    if (!kept) return std::unexpected(kept.error());
    files = std::move(*kept);
  }
  return net::tls_server::open(*files);
}

}  // namespace

result<void> serve(const options& settings) {
  if (settings.listen.empty())
    return fail(errc::invalid_argument, "serve: no address to listen on");
  if (std::error_code unknown; std::filesystem::is_regular_file(settings.root, unknown)) {
    return fail(errc::invalid_argument, "serve " + settings.root.string() +
                                            ": it is a file; give the folder that it is in");
  }
  forbid_core_files();
  raise_descriptor_limit();
  confine(settings);
  auto stored = storage::open(settings.root, settings.data_dir, settings.storage);
  if (!stored) return std::unexpected(stored.error());
  auto tls = open_tls(settings);
  if (!tls) return std::unexpected(tls.error());
  if (*tls && settings.on_certificate) settings.on_certificate((*tls)->fingerprint());
  running_server server(settings, std::move(*stored), std::move(*tls));
  return server.run();
}

}  // namespace sluice::server
