// An upload of what comes through a pipe: its size is known at its end, and nothing of it can be
// read twice.
#include <poll.h>
#include <unistd.h>

#include <fmt/format.h>
#include <cerrno>
#include <chrono>
#include <deque>
#include <utility>

#include "client/lane.h"
#include "client/names.h"
#include "client/put_file.h"
#include "net/buffers.h"
#include "wire/error_message.h"

namespace sluice::client {
namespace {

// What is kept until it is durable, and when the server is asked to make it so.
constexpr std::size_t window_blocks = 16;
constexpr std::size_t checkpoint_blocks = window_blocks / 2;
constexpr int poll_ms = 100;  // how soon a stop is seen while nothing comes

// On a thread for the disk: a whole block, or less at the end.
result<std::size_t> read_block(int fd, std::span<std::byte> into, const session& owner) {
  std::size_t done = 0;
  while (done < into.size()) {
    pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
    const int found = ::poll(&ready, 1, poll_ms);
    if (owner.stopping()) return fail(errc::cancelled, "read the input");
    if (found == 0 || (found < 0 && errno == EINTR)) continue;
    const auto got = ::read(fd, into.data() + done, into.size() - done);
    if (got == 0) break;
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return fail_errno(errno, "read the input");
    done += static_cast<std::size_t>(got);
  }
  return done;
}

std::int64_t now_ns() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

struct kept_block {
  std::uint64_t number = 0;
  std::shared_ptr<base::pooled_buffer> content;
  std::size_t bytes = 0;
  base::digest128 digest;
  unsigned refusals = 0;
};

// The PUT of the connection at work.
class input_lane final : public request {
 public:
  explicit input_lane(const executor& where) : changed(where) {}

  result<void> on_message(const wire::frame_head& head, std::span<const std::byte> body) override {
    changed.notify_all();
    if (head.kind == wire::kind::put_opened) {
      auto told = wire::parse_message<v1::PutOpened>(head.kind, body);
      if (!told) return std::unexpected(told.error());
      upload_id = told->upload_id();
      return {};
    }
    if (head.kind == wire::kind::put_done) {
      done = true;
      return {};
    }
    if (head.kind == wire::kind::blocks_durable) {
      auto told = wire::parse_message<v1::BlocksDurable>(head.kind, body);
      if (!told) return std::unexpected(told.error());
      for (const auto& each : told->blocks()) durable.push_back({each.first(), each.count()});
      return {};
    }
    if (head.kind == wire::kind::block_refused) {
      auto told = wire::parse_message<v1::BlockRefused>(head.kind, body);
      if (!told) return std::unexpected(told.error());
      refused.emplace_back(told->offset() / base::block_bytes, wire::from_wire(told->error()));
      return {};
    }
    return fail(errc::bad_frame, "an unexpected answer to a PUT");
  }

  void on_failed(const error& why, bool) override {
    failed = why;
    changed.notify_all();
  }

  net::signal changed;
  std::string upload_id;
  bool done = false;
  std::vector<run> durable;                              // told, not yet looked at
  std::vector<std::pair<std::uint64_t, error>> refused;  // likewise
  std::optional<error> failed;
};

class input_putter {
 public:
  input_putter(session& owner, put_place place, int fd, bool renames)
      : session_(owner),
        asked_(place.path),
        place_(std::move(place)),
        fd_(fd),
        renames_(renames),
        mtime_ns_(now_ns()) {}

  awaitable<result<file_outcome>> run_all();

 private:
  awaitable<result<void>> serve(std::shared_ptr<connection> by);
  awaitable<result<void>> open();
  [[nodiscard]] bool takes_next_name(const error& why);
  awaitable<result<void>> take_block();
  awaitable<result<void>> finish();
  result<void> look_at_replies();
  result<void> send_again(std::uint64_t block, const error& why);
  void send(const kept_block& block);
  void forget_durable(const run& blocks);

  session& session_;
  const std::string asked_;  // the name that was asked for
  put_place place_;
  const int fd_;
  const bool renames_;
  unsigned number_of_name_ = 1;
  const std::int64_t mtime_ns_;
  std::string upload_id_;
  std::deque<kept_block> kept_;   // ascending; sent, not told durable
  std::uint64_t size_bytes_ = 0;  // read so far
  bool ended_ = false;            // the input
  std::size_t since_checkpoint_ = 0;
  std::shared_ptr<connection> by_;  // at work
  std::shared_ptr<input_lane> lane_;
  std::uint32_t number_ = 0;
  file_outcome outcome_;
};

void input_putter::send(const kept_block& block) {
  outcome_.bytes_moved += block.bytes;
  by_->writer().send_block(
      number_, {.offset = offset_of(block.number), .digest = block.digest},
      net::memory_piece{block.content, block.content->bytes().first(block.bytes)});
  if (++since_checkpoint_ < checkpoint_blocks) return;
  since_checkpoint_ = 0;
  by_->send(wire::kind::checkpoint, number_, v1::Checkpoint());
}

void input_putter::forget_durable(const run& blocks) {
  std::erase_if(kept_, [&](const kept_block& kept) {
    return kept.number >= blocks.first && kept.number - blocks.first < blocks.count;
  });
}

result<void> input_putter::send_again(std::uint64_t block, const error& why) {
  if (why.code != errc::bad_digest) return std::unexpected(why);
  for (auto& kept : kept_) {
    if (kept.number != block) continue;
    if (++kept.refusals == upload::tries_max) {
      return fail(errc::bad_digest,
                  fmt::format("block {} arrived damaged {} times", block, kept.refusals));
    }
    ++outcome_.blocks_repeated;
    send(kept);
  }
  return {};
}

result<void> input_putter::look_at_replies() {
  for (const auto& blocks : std::exchange(lane_->durable, {})) forget_durable(blocks);
  for (const auto& [block, why] : std::exchange(lane_->refused, {})) {
    if (auto again = send_again(block, why); !again) return again;
  }
  if (lane_->failed) return std::unexpected(*lane_->failed);
  return {};
}

awaitable<result<void>> input_putter::open() {
  v1::Put message;
  message.set_upload_id(upload_id_);
  if (upload_id_.empty() || number_of_name_ > 1) {
    message.set_path(place_.path);
    message.set_mtime_ns(mtime_ns_);
    if (place_.replace) *message.mutable_replace() = *place_.replace;
    message.set_parents(true);
  }
  lane_ = std::make_shared<input_lane>(session_.where());
  number_ = by_->begin(wire::kind::put, message, lane_);
  while (lane_->upload_id.empty() && !lane_->done && !lane_->failed) {
    co_await lane_->changed.wait();
  }
  if (lane_->failed) co_return std::unexpected(*lane_->failed);
  if (!lane_->done) upload_id_ = lane_->upload_id;
  co_return result<void>{};
}

// The next block of the input, read and sent.
awaitable<result<void>> input_putter::take_block() {
  auto buffer = co_await net::acquire(session_.buffers());
  if (!buffer) co_return std::unexpected(std::move(buffer.error()));
  kept_block next{.number = size_bytes_ / base::block_bytes,
                  .content = std::make_shared<base::pooled_buffer>(std::move(*buffer)),
                  .bytes = 0,
                  .digest = {}};
  auto work = [this, &next]() -> result<void> {
    const auto got = read_block(fd_, next.content->bytes(), session_);
    if (!got) return std::unexpected(got.error());
    next.bytes = *got;
    next.digest = base::digest_of(next.content->bytes().first(*got));
    return {};
  };
  auto read = co_await net::on_pool(session_.disk(), work);
  if (!read) co_return read;
  size_bytes_ += next.bytes;
  ended_ = next.bytes < base::block_bytes;
  if (next.bytes == 0) co_return result<void>{};
  session_.progress().moved(static_cast<std::int64_t>(next.bytes));
  send(next);
  kept_.push_back(std::move(next));
  co_return result<void>{};
}

awaitable<result<void>> input_putter::finish() {
  session_.progress().enter(phase::syncing, place_.path);
  if (!kept_.empty()) by_->send(wire::kind::checkpoint, number_, v1::Checkpoint());
  while (!kept_.empty()) {
    co_await lane_->changed.wait();
    if (auto seen = look_at_replies(); !seen) co_return seen;
  }
  v1::PutFinish message;
  message.set_size_bytes(size_bytes_);
  by_->send(wire::kind::put_finish, number_, message);
  while (!lane_->done && !lane_->failed) co_await lane_->changed.wait();
  if (lane_->failed) co_return std::unexpected(*lane_->failed);
  co_return result<void>{};
}

awaitable<result<void>> input_putter::serve(std::shared_ptr<connection> by) {
  by_ = std::move(by);
  auto opened = co_await open();
  if (!opened || lane_->done) co_return opened;
  session_.progress().enter(phase::sending, place_.path);
  since_checkpoint_ = 0;
  for (const auto& kept : kept_) send(kept);
  while (!ended_) {
    if (auto seen = look_at_replies(); !seen) co_return seen;
    if (kept_.size() < window_blocks) {
      auto taken = co_await take_block();
      if (!taken) co_return taken;
    } else {
      co_await lane_->changed.wait();
    }
  }
  auto finished = co_await finish();
  co_return finished;
}

// The name is another file's: the upload goes on under the next one like it.
bool input_putter::takes_next_name(const error& why) {
  if (!renames_ || why.code != errc::exists || number_of_name_ == names_max) return false;
  place_.path = outcome_.renamed_to = numbered_name(asked_, ++number_of_name_);
  place_.replace.reset();
  return true;
}

awaitable<result<file_outcome>> input_putter::run_all() {
  patience patient(session_);
  for (;;) {
    const auto before = kept_.empty() ? size_bytes_ : offset_of(kept_.front().number);
    auto by = co_await session_.open(place_.server);
    result<void> served = by ? result<void>{} : std::unexpected(by.error());
    if (by) served = co_await serve(*by);
    if (served) {
      session_.give_back(std::move(*by));
      co_return outcome_;
    }
    if (takes_next_name(served.error())) {
      if (by) session_.give_back(std::move(*by));
      continue;
    }
    if (by) (*by)->close({.code = errc::cancelled, .context = {}});
    if ((kept_.empty() ? size_bytes_ : offset_of(kept_.front().number)) > before) {
      patient.progress();
    }
    const bool again = co_await patient.once_more(served.error());
    if (!again) co_return std::unexpected(std::move(served.error()));
  }
}

// Nothing where nothing is there, or another name will be found.
result<std::optional<v1::Replace>> what_to_replace(const std::optional<remote_entry>& there,
                                                   const put_options& options) {
  if (!there || options.rename) return std::nullopt;
  if (there->folder) return fail(errc::not_a_file, "a folder has that name");
  if (!options.overwrite) return fail(errc::exists, "a file has that name");
  v1::Replace replace;
  replace.set_size_bytes(there->size_bytes);
  replace.set_mtime_ns(there->mtime_ns);
  return replace;
}

}  // namespace

awaitable<result<file_outcome>> put_from_input(session& owner, url server, std::string path, int fd,
                                               std::optional<remote_entry> there,
                                               put_options options) {
  const auto what = fmt::format("put standard input to {}", path);
  put_place place{.server = std::move(server), .path = std::move(path), .replace = {}};
  auto replace = what_to_replace(there, options);
  if (!replace) co_return std::unexpected(about(replace.error(), what));
  place.replace = std::move(*replace);
  const auto work = std::make_unique<input_putter>(owner, std::move(place), fd, options.rename);
  auto outcome = co_await work->run_all();
  if (!outcome) co_return std::unexpected(about(outcome.error(), what));
  co_return outcome;
}

}  // namespace sluice::client
