#include "client/plain.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "base/unique_fd.h"
#include "client/plain_file.h"
#include "client/plain_link.h"

namespace sluice::client {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t piece_bytes = std::size_t{1} << 20;
// How long a peer that has got or sent everything may take to close.
constexpr std::chrono::milliseconds closing_patience = 5s;

using head_bytes = std::array<std::byte, 4>;

head_bytes encode_head(std::uint64_t length) {
  auto value = static_cast<std::uint32_t>(length);
  if constexpr (std::endian::native == std::endian::big) value = std::byteswap(value);
  return std::bit_cast<head_bytes>(value);
}

std::int32_t decode_head(head_bytes head) {
  auto value = std::bit_cast<std::uint32_t>(head);
  if constexpr (std::endian::native == std::endian::big) value = std::byteswap(value);
  return static_cast<std::int32_t>(value);
}

std::unexpected<error> fail_with(const std::string& attempt, error cause) {
  if (!cause.context.empty() && !attempt.empty()) cause.context.insert(0, ": ");
  cause.context.insert(0, attempt);
  return std::unexpected(std::move(cause));
}

// Tells the observer, ten times a second at most while bytes move. What comes too early is told a
// little later, also when nothing more comes: a peer that stands still is seen where it stands.
class reporter {
 public:
  reporter(asio::io_context& io, observer& watcher, std::string path)
      : watcher_(watcher), later_(io) {
    snapshot_.path = std::move(path);
  }
  void enter(phase now) {
    snapshot_.now = now;
    tell();
  }
  void expect(std::uint64_t bytes) {
    snapshot_.bytes_total = bytes;
    snapshot_.files_total = 1;
    tell_soon();
  }
  void moved(std::uint64_t bytes_done) {
    snapshot_.bytes_done = bytes_done;
    tell_soon();
  }
  // ": 1048576 of 2000000 bytes"; empty while the length is not known.
  [[nodiscard]] std::string position() const {
    if (!snapshot_.bytes_total) return "";
    return fmt::format(": {} of {} bytes", snapshot_.bytes_done, *snapshot_.bytes_total);
  }

 private:
  void tell() {
    told_ = std::chrono::steady_clock::now();
    due_ = false;
    watcher_.on_progress(snapshot_);
  }
  void tell_soon() {
    if (std::chrono::steady_clock::now() - told_ >= interval) return tell();
    if (std::exchange(due_, true)) return;
    later_.expires_at(told_ + interval);
    later_.async_wait([this](const boost::system::error_code& ended) {
      if (!ended && due_) tell();
    });
  }

  static constexpr auto interval = 100ms;

  observer& watcher_;
  progress snapshot_;
  steady_timer later_;
  bool due_ = false;
  std::chrono::steady_clock::time_point told_{};
};

// Runs one coroutine on the calling thread until it is over.
template <class T>
result<T> run(asio::io_context& io, awaitable<result<T>> work) {
  std::exception_ptr thrown;
  std::optional<result<T>> outcome;
  asio::co_spawn(io, std::move(work), [&](std::exception_ptr caught, result<T> made) {
    thrown = std::move(caught);
    outcome = std::move(made);
    io.stop();  // the watchdog may still be waiting
  });
  io.run();
  if (thrown) std::rethrow_exception(thrown);
  return std::move(*outcome);
}

// Makes the connection, from either side.
awaitable<result<void>> open(plain_link& link, const plain_options& options, reporter& report) {
  report.enter(phase::connecting);
  if (options.listen) {
    auto accepted = co_await link.accept(options.where, options.on_listening);
    if (accepted) co_return accepted;
    co_return fail_with("wait for a connection on " + to_string(options.where), accepted.error());
  }
  auto connected = co_await link.connect(options.where);
  if (connected) co_return connected;
  co_return fail_with("connect to " + to_string(options.where), connected.error());
}

// ---- sending

struct source {
  std::string path;
  base::unique_fd file;
  struct stat as_opened{};
  [[nodiscard]] std::uint64_t size_bytes() const {
    return static_cast<std::uint64_t>(as_opened.st_size);
  }
};

result<source> open_source(const std::string& path) {
  source opened;
  opened.path = path;
  // O_NONBLOCK: opening a pipe by mistake must not hang.
  opened.file = base::unique_fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!opened.file) return fail_errno(errno, "open " + path);
  if (::fstat(opened.file.get(), &opened.as_opened) != 0) return fail_errno(errno, "open " + path);
  if (!S_ISREG(opened.as_opened.st_mode)) {
    return fail(errc::not_a_file, "send " + path + ": only a file has a length to announce");
  }
  if (opened.size_bytes() > plain_bytes_max) {
    return fail(errc::frame_too_large,
                fmt::format("send {}: it has {} bytes, and the plain wire's signed 32-bit length "
                            "holds at most {}",
                            path, opened.size_bytes(), plain_bytes_max));
  }
  ::posix_fadvise(opened.file.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  return opened;
}

bool has_changed(const source& from) {
  struct stat now{};
  if (::fstat(from.file.get(), &now) != 0) return true;
  const struct stat& then = from.as_opened;
  return now.st_size != then.st_size || now.st_mtim.tv_sec != then.st_mtim.tv_sec ||
         now.st_mtim.tv_nsec != then.st_mtim.tv_nsec;
}

awaitable<result<void>> send_content(plain_link& link, const source& from, reporter& report) {
  const std::uint64_t total = from.size_bytes();
  for (std::uint64_t done = 0; done < total;) {
    const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(piece_bytes, total - done));
    const auto sent = co_await link.send_file(from.file.get(), done, piece);
    if (!sent) co_return std::unexpected(sent.error());
    if (*sent == 0) co_return fail(errc::changed, "the file became shorter");
    done += *sent;
    report.moved(done);
  }
  co_return result<void>();
}

awaitable<result<void>> send_all(plain_link& link, const source& from, reporter& report) {
  const head_bytes head = encode_head(from.size_bytes());
  auto begun = co_await link.write(head, from.size_bytes() > 0);
  if (!begun) co_return begun;
  auto sent = co_await send_content(link, from, report);
  if (!sent) co_return sent;
  if (has_changed(from)) co_return fail(errc::changed, "the receiver has a mixture");
  auto finished = co_await link.finish(closing_patience);
  co_return finished;
}

awaitable<result<std::uint64_t>> send_over(plain_link& link, const source& from,
                                           const plain_options& options, reporter& report) {
  report.expect(from.size_bytes());
  auto opened = co_await open(link, options, report);
  if (!opened) co_return std::unexpected(std::move(opened).error());
  report.enter(phase::sending);
  auto sent = co_await send_all(link, from, report);
  if (!sent) {
    const std::string attempt =
        fmt::format("send {} to {}{}", from.path, link.peer(), report.position());
    co_return fail_with(attempt, sent.error());
  }
  co_return from.size_bytes();
}

// ---- receiving

// Where the content goes: a file that gets its name at the end, or standard output.
struct sink {
  std::optional<plain_file> file;
  [[nodiscard]] result<void> begin() { return file ? file->begin() : result<void>(); }
  [[nodiscard]] result<void> write(std::span<const std::byte> bytes) {
    if (file) return file->write(bytes);
    return write_all(STDOUT_FILENO, bytes, "write to standard output");
  }
  [[nodiscard]] result<void> publish() { return file ? file->publish() : result<void>(); }
};

result<sink> open_sink(const std::string& target, bool overwrite) {
  if (target == "-") return sink{};
  auto file = plain_file::prepare(target, overwrite);
  if (!file) return std::unexpected(std::move(file).error());
  return sink{std::move(*file)};
}

awaitable<result<std::uint64_t>> receive_length(plain_link& link, std::uint64_t max_bytes) {
  head_bytes head;
  for (std::size_t have = 0; have < head.size();) {
    const auto count = co_await link.read_some(std::span(head).subspan(have));
    if (!count) co_return std::unexpected(count.error());
    if (*count == 0) co_return fail(errc::broken_stream, "the peer closed before the whole length");
    have += *count;
  }
  const std::int32_t length = decode_head(head);
  if (length < 0) {
    co_return fail(errc::bad_frame, fmt::format("the peer announced {} bytes", length));
  }
  const auto bytes = static_cast<std::uint64_t>(length);
  if (bytes > max_bytes) {
    co_return fail(
        errc::frame_too_large,
        fmt::format("the peer announced {} bytes, at most {} are allowed", bytes, max_bytes));
  }
  co_return bytes;
}

awaitable<result<void>> receive_content(plain_link& link, sink& to, std::uint64_t total,
                                        reporter& report) {
  const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(piece_bytes, total));
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(piece);
  for (std::uint64_t done = 0; done < total;) {
    const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(piece, total - done));
    const auto count = co_await link.read_some({buffer.get(), room});
    if (!count) co_return std::unexpected(count.error());
    if (*count == 0) co_return fail(errc::broken_stream, "the peer closed early");
    auto written = to.write({buffer.get(), *count});
    if (!written) co_return written;
    done += *count;
    report.moved(done);
  }
  co_return result<void>();
}

// The wire ends with the peer's close. All is here by now: a reset, or no close at all, costs
// nothing.
awaitable<result<void>> expect_end(plain_link& link, std::chrono::milliseconds timeout,
                                   observer& watcher) {
  link.set_timeout(std::min(timeout, closing_patience));
  std::array<std::byte, 1> extra{};
  const auto count = co_await link.read_some(extra);
  if (count && *count > 0) {
    co_return fail(errc::bad_frame, "the peer sent more bytes than it had announced");
  }
  if (count || count.error().code == errc::broken_stream) co_return result<void>();
  if (count.error().code != errc::timed_out) co_return std::unexpected(count.error());
  watcher.on_notice("all announced bytes are here, but the peer did not close the connection");
  co_return result<void>();
}

struct receiving {
  sink to;
  const std::string& target;
  const plain_receive_options& options;
  observer& watcher;
  reporter report;
};

awaitable<result<std::uint64_t>> receive_all(plain_link& link, receiving& job) {
  const auto total = co_await receive_length(link, job.options.max_bytes);
  if (!total) co_return total;
  job.report.expect(*total);
  auto step = job.to.begin();
  if (step) step = co_await receive_content(link, job.to, *total, job.report);
  if (step) step = co_await expect_end(link, job.options.timeout, job.watcher);
  if (!step) co_return std::unexpected(std::move(step).error());
  co_return total;
}

awaitable<result<std::uint64_t>> receive_over(plain_link& link, receiving& job) {
  auto opened = co_await open(link, job.options, job.report);
  if (!opened) co_return std::unexpected(std::move(opened).error());
  job.report.enter(phase::receiving);
  const auto received = co_await receive_all(link, job);
  if (!received) {
    const std::string attempt =
        fmt::format("receive {} from {}{}", job.target, link.peer(), job.report.position());
    co_return fail_with(attempt, received.error());
  }
  job.report.enter(phase::syncing);
  auto published = job.to.publish();
  if (!published) co_return std::unexpected(std::move(published).error());
  co_return received;
}

// ---- both

// Lets a stop_token of any thread end the link on its own.
class stop_link {
 public:
  stop_link(const std::stop_token& stop, asio::io_context& io, plain_link& link)
      : callback_(stop, [&io, &link] { asio::post(io, [&link] { link.abort(); }); }) {}

 private:
  std::stop_callback<std::function<void()>> callback_;
};

}  // namespace

result<std::uint64_t> send_plain(const std::string& file, const plain_options& options,
                                 observer& watcher) {
  const auto from = open_source(file);
  if (!from) return std::unexpected(from.error());
  asio::io_context io(1);
  plain_link link(io, options.timeout);
  const stop_link stop(options.stop, io, link);
  reporter report(io, watcher, file);
  return run(io, send_over(link, *from, options, report));
}

result<std::uint64_t> receive_plain(const std::string& target, const plain_receive_options& options,
                                    observer& watcher) {
  auto to = open_sink(target, options.overwrite);
  if (!to) return std::unexpected(std::move(to).error());
  asio::io_context io(1);
  plain_link link(io, options.timeout);
  const stop_link stop(options.stop, io, link);
  receiving job{std::move(*to), target, options, watcher, reporter(io, watcher, target)};
  return run(io, receive_over(link, job));
}

}  // namespace sluice::client
