// A download to a pipe: in order, one connection, few blocks in memory.
#include <fmt/format.h>
#include <deque>

#include "client/download.h"
#include "client/get_file.h"
#include "client/http_content.h"
#include "client/output_pipe.h"
#include "net/buffers.h"
#include "wire/message.h"

namespace sluice::client {
namespace {

constexpr std::size_t blocks_waiting_max = 8;

struct waiting_block {
  base::pooled_buffer buffer;
  std::size_t bytes = 0;
  base::digest128 digest;
};

// The one GET at work, and the blocks that wait for the output.
class ordered_get final : public request {
 public:
  ordered_get(const executor& where, const remote_entry& file, std::uint64_t first)
      : size_bytes_(file.size_bytes), identity_(file.identity), next_(first), changed_(where) {}

  result<void> on_message(const wire::frame_head& head, std::span<const std::byte> body) override {
    if (head.kind == wire::kind::content_end && next_ == blocks_of(size_bytes_)) {
      ended_ = true;
      changed_.notify_all();
      return {};
    }
    if (head.kind != wire::kind::content) return fail(errc::bad_frame, "a GET that ended early");
    const auto told = wire::parse_message<v1::Content>(wire::kind::content, body);
    if (!told) return std::unexpected(told.error());
    if (told->entry().identity() == identity_) return {};
    on_failed({.code = errc::changed, .context = "the file on the server changed"}, false);
    return {};
  }

  awaitable<result<void>> on_block(wire::frame_head, wire::block_head block,
                                   connection& from) override {
    const std::size_t bytes = from.reader().payload_left();
    if (next_ >= blocks_of(size_bytes_) || block.offset != offset_of(next_) ||
        bytes != bytes_of(next_, size_bytes_)) {
      co_return fail(errc::bad_frame, "a block out of order");
    }
    while (waiting_.size() >= blocks_waiting_max && !failed_) {
      const connection::standstill ours(from);
      co_await changed_.wait();
    }
    auto buffer = co_await net::acquire(from.owner().buffers());
    if (!buffer) co_return std::unexpected(std::move(buffer.error()));
    auto got = co_await from.reader().payload(buffer->bytes().first(bytes));
    if (!got) co_return got;
    ++next_;
    waiting_.push_back({.buffer = std::move(*buffer), .bytes = bytes, .digest = block.digest});
    changed_.notify_all();
    co_return result<void>{};
  }

  void on_failed(const error& why, bool) override {
    if (!failed_) failed_ = why;
    changed_.notify_all();
  }

  // The next block; nullopt at the end. What arrived before a failure still comes.
  awaitable<result<std::optional<waiting_block>>> next() {
    while (waiting_.empty() && !ended_ && !failed_) co_await changed_.wait();
    if (waiting_.empty() && failed_) co_return std::unexpected(*failed_);
    if (waiting_.empty()) co_return std::nullopt;
    auto first = std::move(waiting_.front());
    waiting_.pop_front();
    changed_.notify_all();
    co_return std::optional(std::move(first));
  }

 private:
  std::deque<waiting_block> waiting_;
  std::uint64_t size_bytes_;
  std::string identity_;
  std::uint64_t next_;
  net::signal changed_;
  bool ended_ = false;
  std::optional<error> failed_;
};

class output_getter {
 public:
  output_getter(session& owner, url server, remote_entry file, int fd)
      : session_(owner), server_(std::move(server)), file_(std::move(file)), fd_(fd) {}

  awaitable<result<file_outcome>> run_all();

 private:
  awaitable<result<void>> pass_on(std::shared_ptr<connection> by);
  awaitable<result<void>> put_out(waiting_block block);

  session& session_;
  const url server_;
  const remote_entry file_;
  const int fd_;
  std::uint64_t done_ = 0;  // blocks that are out
  unsigned wrong_ = 0;      // times that the block `done_` was damaged
  file_outcome outcome_;
};

awaitable<result<void>> output_getter::put_out(waiting_block block) {
  auto work = [this, &block]() -> result<void> {
    const auto content = block.buffer.bytes().first(block.bytes);
    if (base::digest_of(content) != block.digest) return fail(errc::bad_digest);
    return write_out(fd_, content, session_);
  };
  auto written = co_await net::on_pool(session_.disk(), work);
  if (!written) co_return written;
  ++done_;
  wrong_ = 0;
  session_.progress().moved(static_cast<std::int64_t>(block.bytes));
  co_return result<void>{};
}

// From block `done_` on, until the end or the first failure.
awaitable<result<void>> output_getter::pass_on(std::shared_ptr<connection> by) {
  v1::Get message;
  message.set_path(file_.path);
  message.set_if_identity(file_.identity);
  auto& range = *message.add_ranges();
  range.set_offset(offset_of(done_));
  range.set_length(file_.size_bytes - offset_of(done_));
  const auto reply = std::make_shared<ordered_get>(session_.where(), file_, done_);
  by->begin(wire::kind::get, message, reply);
  for (;;) {
    auto block = co_await reply->next();
    if (!block) co_return std::unexpected(std::move(block.error()));
    if (!*block) co_return result<void>{};
    outcome_.bytes_moved += (*block)->bytes;
    auto written = co_await put_out(std::move(**block));
    if (written) continue;
    // What follows is on its way and of no use: the next try has a connection of its own.
    reply->on_failed(written.error(), false);
    by->close({.code = errc::cancelled, .context = {}});
    co_return written;
  }
}

awaitable<result<file_outcome>> output_getter::run_all() {
  patience patient(session_);
  session_.progress().enter(phase::receiving, file_.path);
  while (done_ < blocks_of(file_.size_bytes)) {
    const auto before = done_;
    auto by = co_await session_.open(server_);
    result<void> passed = by ? result<void>{} : std::unexpected(by.error());
    if (by) passed = co_await pass_on(*by);
    if (passed) {
      session_.give_back(std::move(*by));
      break;
    }
    if (passed.error().code == errc::bad_digest && ++wrong_ < download::tries_max) {
      ++outcome_.blocks_repeated;
      continue;
    }
    if (passed.error().code == errc::bad_digest) {
      co_return fail(errc::bad_digest, fmt::format("block {} of {} arrived damaged {} times", done_,
                                                   file_.path, download::tries_max));
    }
    if (done_ > before) patient.progress();
    const bool again = co_await patient.once_more(passed.error());
    if (!again) co_return std::unexpected(about(passed.error(), "get " + file_.path));
  }
  co_return outcome_;
}

}  // namespace

awaitable<result<file_outcome>> get_to_output(session& owner, url server, remote_entry file,
                                              int fd) {
  if (server.over_http) {
    const auto moved = co_await http_to_output(owner, server, file, fd);
    if (!moved) co_return std::unexpected(about(moved.error(), "get " + file.path));
    co_return file_outcome{.bytes_moved = *moved};
  }
  output_getter work(owner, std::move(server), std::move(file), fd);
  auto outcome = co_await work.run_all();
  co_return outcome;
}

}  // namespace sluice::client
