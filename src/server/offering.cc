#include "server/offering.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <exception>
#include <memory>
#include <utility>

#include "base/log.h"
#include "native/session.h"
#include "net/which_protocol.h"
#include "server/confine.h"
#include "server/scratch_folder.h"
#include "server/storage.h"
#include "store/grafted_files.h"
#include "store/path.h"

namespace sluice::server {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t buffers = 24;  // 24 MiB, as the server has
constexpr unsigned pool_threads = 4;
constexpr milliseconds between_reports{100};
constexpr milliseconds farewell{5'000};      // for a receiver that has all to close its connections
constexpr std::chrono::minutes max_idle{2};  // receivers that live say so more often
// Before calling again, as often as nothing came of it.
constexpr std::array pauses{milliseconds(100),   milliseconds(250),   milliseconds(500),
                            milliseconds(1'000), milliseconds(2'000), milliseconds(4'000)};

bool is_worth_another_call(errc code) {
  return code == errc::cannot_connect || code == errc::timed_out || code == errc::broken_stream ||
         code == errc::end_of_stream;
}

// What is sent: where it is, and the name that it goes by.
struct source {
  std::filesystem::path folder;
  std::string name;
  std::optional<std::uint64_t> size_bytes;  // none: a folder
};

result<source> look_at(const std::filesystem::path& given) {
  const std::string what = "send " + given.string();
  std::error_code failed;
  const auto place = std::filesystem::canonical(given, failed);
  if (failed) return fail_errno(failed.value(), what);
  source found{.folder = place.parent_path(), .name = place.filename(), .size_bytes = {}};
  const auto path = store::rel_path::parse(found.name);
  if (!path || path->is_root()) {
    return fail(errc::invalid_argument,
                what + ": a receiver would not take the name \"" + found.name +
                    "\"; names that begin with a dot, or hold control characters or a backslash, "
                    "do not travel");
  }
  const bool is_file = std::filesystem::is_regular_file(place, failed);
  if (!is_file && !std::filesystem::is_directory(place, failed)) {
    return fail(errc::not_a_file, what + ": it is neither a file nor a folder");
  }
  if (::access(place.c_str(), R_OK) != 0) return fail_errno(errno, what);
  if (is_file) found.size_bytes = std::filesystem::file_size(place, failed);
  return found;
}

// What is sent, in a folder that holds nothing else.
result<std::unique_ptr<store::grafted_files>> graft(const source& what,
                                                    const std::filesystem::path& root) {
  base::unique_fd folder(::open(what.folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return fail_errno(errno, "open " + what.folder.string());
  return std::make_unique<store::grafted_files>(store::linux_files(), root.string(),
                                                std::move(folder), what.name);
}

// Whoever comes has proved the key, and may take this one thing.
result<base::caller_ptr> make_receiver(access::table& accounts, const std::string& name) {
  const std::string who = "receiver";
  auto made = accounts.add_account(who, "", {{name, {base::right::see, base::right::take}}});
  if (!made) return std::unexpected(made.error());
  const auto token = accounts.add_token({.account = who});
  if (!token) return std::unexpected(token.error());
  return accounts.find_by_token(token->text);
}

// Everything that lives as long as the call; made in this order, destroyed in the reverse.
class offering {
 public:
  offering(const offering_options& options, source what, std::unique_ptr<storage> stored,
           base::caller_ptr receiver)
      : options_(options),
        what_(std::move(what)),
        stored_(std::move(stored)),
        offered_{.path = what_.name,
                 .receiver = std::move(receiver),
                 .on_sent = [this](std::uint64_t at, std::uint64_t bytes) { sent(at, bytes); },
                 .on_received = [this](const auto& failed) { received(failed); }},
        shared_{.uploads = *stored_->uploads,
                .small_files = *stored_->small_files,
                .downloads = *stored_->downloads,
                .tree = *stored_->tree,
                .scrubs = *stored_->scrubs,
                .talk = *stored_->talk,
                .gate = *stored_->gate,
                .pool = pool_,
                .buffers = buffers_,
                .visitors = visitors_,
                .limits = {.idle = max_idle},
                .agent = "sluice/" SLUICE_VERSION,
                .offered = &offered_},
        changed_(io_.get_executor()),
        pause_(io_.get_executor()) {}

  result<offering_outcome> run();

 private:
  awaitable<void> run_all();
  awaitable<void> welcome();
  awaitable<result<void>> take_next();
  awaitable<bool> wait_to_call_again(error why);
  awaitable<void> serve(net::stream peer);
  void spawn(awaitable<void> work);
  void refuse(net::stream late);
  void end(result<void> outcome);
  void sent(std::uint64_t offset, std::uint64_t bytes);
  void received(const std::optional<error>& failed);
  void tell();

  const offering_options& options_;
  const source what_;
  std::unique_ptr<storage> stored_;
  net::blocking_pool pool_{pool_threads};
  base::buffer_pool buffers_{buffers};
  native::offer offered_;
  net::visitors visitors_;
  native::service shared_;
  asio::io_context io_{1};
  net::signal changed_;
  steady_timer pause_;
  std::unique_ptr<net::direct_door> door_;
  net::stream* unused_ = nullptr;  // a connection that the receiver has not used yet
  std::optional<result<void>> outcome_;
  std::exception_ptr thrown_;
  std::size_t sessions_ = 0;
  std::size_t failures_ = 0;  // of calls, one behind the other
  bool was_met_ = false;
  std::uint64_t bytes_sent_ = 0;
  std::uint64_t position_ = 0;
  steady_clock::time_point told_{};
};

result<offering_outcome> offering::run() {
  auto meeting = options_.meeting;
  meeting.role = net::direct_role::sender;
  auto door = net::direct_door::open(io_, std::move(meeting));
  if (!door) return std::unexpected(door.error());
  door_ = std::move(*door);
  door_->on_late([this](net::stream peer) { refuse(std::move(peer)); });
  tell();
  const std::stop_callback on_stop(options_.stop, [this] {
    asio::post(io_, [this] {
      shared_.closing = true;
      end(fail(errc::cancelled, "send " + what_.name));
    });
  });
  spawn(run_all());
  io_.run();
  pool_.join();
  stored_.reset();  // while the io_context lives: its threads may still post to it
  if (thrown_) std::rethrow_exception(thrown_);
  tell();
  if (!*outcome_) return std::unexpected(outcome_->error());
  return offering_outcome{.is_folder = !what_.size_bytes,
                          .bytes = what_.size_bytes.value_or(0),
                          .bytes_sent = bytes_sent_};
}

void offering::spawn(awaitable<void> work) {
  asio::co_spawn(io_, std::move(work), [this](const std::exception_ptr& thrown) {
    if (!thrown) return;
    thrown_ = thrown;
    io_.stop();
  });
}

awaitable<void> offering::run_all() {
  co_await welcome();
  shared_.draining = true;
  pause_.expires_after(farewell);
  pause_.async_wait([this](const boost::system::error_code& cancelled) {
    if (!cancelled) shared_.closing = true;
  });
  while (sessions_ > 0) co_await changed_.wait();
  pause_.cancel();
}

awaitable<void> offering::welcome() {
  while (!outcome_) {
    auto taken = co_await take_next();
    if (taken || outcome_) continue;
    if (!co_await wait_to_call_again(taken.error())) end(std::move(taken));
  }
}

// Who listens waits for connections. Who calls keeps one at the receiver's disposal: when that is
// used, the next call is due.
awaitable<result<void>> offering::take_next() {
  auto peer = co_await door_->next();
  if (!peer) co_return std::unexpected(std::move(peer.error()));
  was_met_ = true;  // it has the key; one that still holds on to a sender that is gone closes this
  if (!door_->listens()) {
    if (outcome_) co_return fail(errc::cancelled, "send " + what_.name);
    unused_ = &*peer;
    const auto spoke = co_await net::which_protocol(*peer);
    unused_ = nullptr;
    if (!spoke) {
      co_return fail(errc::broken_stream,
                     to_string(door_->where()) + ": the receiver closed the connection");
    }
  }
  failures_ = 0;
  ++sessions_;
  spawn(serve(std::move(*peer)));
  co_return result<void>{};
}

awaitable<bool> offering::wait_to_call_again(error why) {
  if (!was_met_ || !is_worth_another_call(why.code) || failures_ == pauses.size()) co_return false;
  pause_.expires_after(pauses[failures_++]);
  (void)co_await pause_.async_wait(as_tuple);
  co_return true;
}

awaitable<void> offering::serve(net::stream peer) {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  tell();
  auto serving = native::serve(std::move(peer), shared_);
  const auto ended = co_await std::move(serving);
  if (!ended) base::log_debug("a connection ended: {}", ended.error().message());
  --sessions_;
  changed_.notify_all();
  if (sessions_ > 0 || outcome_) co_return;
  tell();
  if (door_->listens() && options_.on_notice) {
    options_.on_notice("the receiver went away before the end; it is waited for");
  }
}

void offering::refuse(net::stream late) {
  error why{errc::busy, "another receiver is served; one that was cut off is noticed in a while"};
  spawn(native::refuse(std::move(late), shared_, std::move(why)));
}

void offering::end(result<void> outcome) {
  if (outcome_) return;
  outcome_ = std::move(outcome);
  if (door_) door_->close();
  if (unused_ != nullptr) unused_->cut();
  pause_.cancel();
}

void offering::sent(std::uint64_t offset, std::uint64_t bytes) {
  bytes_sent_ += bytes;
  position_ = what_.size_bytes ? std::max(position_, std::min(offset + bytes, *what_.size_bytes))
                               : bytes_sent_;
  if (steady_clock::now() - told_ >= between_reports) tell();
}

void offering::received(const std::optional<error>& failed) {
  if (!failed) {
    position_ = what_.size_bytes.value_or(position_);
    return end({});
  }
  error why{failed->code, "the receiver: " + failed->context};
  if (!door_->listens()) return end(std::unexpected(std::move(why)));
  if (options_.on_notice) options_.on_notice(why.message() + "; another try is waited for");
}

void offering::tell() {
  told_ = steady_clock::now();
  if (!options_.on_progress) return;
  options_.on_progress({.name = what_.name,
                        .has_receiver = sessions_ > 0,
                        .bytes_done = position_,
                        .bytes_total = what_.size_bytes});
}

}  // namespace

result<offering_outcome> offer(const offering_options& options) {
  auto what = look_at(options.source);
  if (!what) return std::unexpected(what.error());
  forbid_core_files();
  const auto state = scratch_folder::make();
  if (!state) return std::unexpected(state.error());
  const auto root = state->path() / "root";
  const auto data = state->path() / "data";
  if (::mkdir(root.c_str(), 0700) != 0)
    return fail_errno(errno, "make the folder " + root.string());
  const auto files = graft(*what, root);
  if (!files) return std::unexpected(files.error());
  storage_options storing;
  storing.files = files->get();
  auto stored = storage::open(root, data, storing);
  if (!stored) return std::unexpected(stored.error());
  auto receiver = make_receiver(*(*stored)->accounts, what->name);
  if (!receiver) return std::unexpected(receiver.error());
  offering work(options, std::move(*what), std::move(*stored), std::move(*receiver));
  return work.run();
}

}  // namespace sluice::server
