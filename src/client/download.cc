#include "client/download.h"

#include <fmt/format.h>
#include <algorithm>

#include "net/buffers.h"
#include "wire/message.h"

namespace sluice::client {
namespace {

// What one GET asks for at most, and how many are on their way in one connection: so the pipe never
// runs dry between two of them.
constexpr std::uint64_t piece_blocks_max = 64;
constexpr std::uint64_t piece_blocks_min = 4;
constexpr std::size_t pieces_ahead = 2;
constexpr std::size_t ranges_max = 256;

result<bool> check_and_write(const partial_file& into, std::span<const std::byte> content,
                             const base::digest128& digest, std::uint64_t offset) {
  if (base::digest_of(content) != digest) return false;
  const auto written = into.write(offset, content);
  if (!written) return std::unexpected(written.error());
  return true;
}

}  // namespace

// One GET. Blocks that it was to bring and did not go back to the download.
class piece final : public request {
 public:
  piece(std::shared_ptr<download> owner, connection& by, std::vector<run> wanted)
      : owner_(std::move(owner)), by_(by), wanted_(std::move(wanted)) {}

  result<void> on_message(const wire::frame_head& head, std::span<const std::byte> body) override {
    if (head.kind == wire::kind::content) return on_content(body);
    if (head.kind != wire::kind::content_end || at_ < wanted_.size()) {
      return fail(errc::bad_frame, "a GET that ended before its last block");
    }
    owner_->changed_.notify_all();
    return {};
  }

  awaitable<result<void>> on_block(wire::frame_head, wire::block_head block,
                                   connection& from) override {
    const std::size_t bytes = from.reader().payload_left();
    if (!is_next(block.offset, bytes)) co_return fail(errc::bad_frame, "a block out of order");
    auto buffer = owner_->session_.buffers().try_acquire();
    if (!buffer) {
      const connection::standstill ours(from);
      auto later = co_await net::acquire(owner_->session_.buffers());
      if (!later) co_return std::unexpected(std::move(later.error()));
      buffer = std::move(*later);
    }
    auto got = co_await from.reader().payload(buffer->bytes().first(bytes));
    if (!got) co_return got;
    if (owner_->failed() || given_back_) co_return result<void>{};
    const auto number = wanted_[at_].first++;
    if (--wanted_[at_].count == 0) ++at_;
    owner_->arrived(number, block.digest, std::move(*buffer));
    co_return result<void>{};
  }

  void on_failed(const error& why, bool lost) override {
    given_back_ = true;
    for (auto i = wanted_.size(); i > at_; --i) owner_->queue_.push_front(wanted_[i - 1]);
    if (!lost && is_of_connection(why)) by_.close(why);  // busy: later, by a new connection
    if (!lost && !is_of_connection(why)) owner_->fail_with(why);
    owner_->changed_.notify_all();
  }

 private:
  result<void> on_content(std::span<const std::byte> body) {
    const auto told = wire::parse_message<v1::Content>(wire::kind::content, body);
    if (!told) return std::unexpected(told.error());
    if (told->entry().identity() != owner_->file_.identity ||
        told->entry().size_bytes() != owner_->file_.size_bytes) {
      owner_->fail_with({.code = errc::changed, .context = "the file on the server changed"});
    }
    return {};
  }

  [[nodiscard]] bool is_next(std::uint64_t offset, std::size_t bytes) const {
    return at_ < wanted_.size() && offset == offset_of(wanted_[at_].first) &&
           bytes == bytes_of(wanted_[at_].first, owner_->file_.size_bytes);
  }

  std::shared_ptr<download> owner_;
  connection& by_;           // which owns us while we are open
  std::vector<run> wanted_;  // from at_ on: what is still to come
  std::size_t at_ = 0;
  bool given_back_ = false;
};

download::download(session& owner, url server, remote_entry file, const partial_file& into,
                   const std::vector<run>& wanted)
    : shared_work(owner, std::move(server)), file_(std::move(file)), into_(into) {
  for (const auto& blocks : wanted) {
    queue_.push(blocks);
    wanted_ += blocks.count;
  }
}

awaitable<result<void>> download::fetch(unsigned streams) {
  piece_blocks_ =
      std::clamp(wanted_ / (4 * std::uint64_t{streams}), piece_blocks_min, piece_blocks_max);
  task_group all(session_.where());
  start(all, streams);
  co_await all.join();
  while (writing_ > 0) co_await changed_.wait();
  if (failed()) co_return std::unexpected(*failed());
  co_return result<void>{};
}

// Until the connection is lost or there is nothing more to ask for.
awaitable<void> download::serve(std::shared_ptr<connection> by) {
  while (!is_over() && !by->lost()) {
    while (by->open_requests() < pieces_ahead && !queue_.empty()) ask(*by);
    if (by->open_requests() == 0) break;
    co_await changed_.wait();
  }
  if (by->open_requests() > 0) by->close({.code = errc::cancelled, .context = {}});
}

void download::ask(connection& by) {
  auto wanted = queue_.take(piece_blocks_, ranges_max);
  v1::Get message;
  message.set_path(file_.path);
  message.set_if_identity(file_.identity);
  for (const auto& blocks : wanted) {
    auto& range = *message.add_ranges();
    range.set_offset(offset_of(blocks.first));
    range.set_length(bytes_of(blocks, file_.size_bytes));
  }
  by.begin(wire::kind::get, message,
           std::make_shared<piece>(shared_from_this(), by, std::move(wanted)));
}

void download::arrived(std::uint64_t block, const base::digest128& digest,
                       base::pooled_buffer buffer) {
  ++writing_;
  const auto bytes = bytes_of(block, file_.size_bytes);
  bytes_moved_ += bytes;
  auto work = [&into = into_, buffer = std::move(buffer), bytes, digest,
               offset = offset_of(block)] {
    return check_and_write(into, buffer.bytes().first(bytes), digest, offset);
  };
  session_.on_disk(std::move(work), [me = shared_from_this(), block](const result<bool>& written) {
    me->landed(block, written);
  });
}

void download::landed(std::uint64_t block, const result<bool>& written) {
  --writing_;
  if (!written) {
    fail_with(written.error());
  } else if (*written) {
    ++landed_;
    session_.progress().moved(static_cast<std::int64_t>(bytes_of(block, file_.size_bytes)));
  } else {
    wrong(block);
  }
  if (is_over() || writing_ == 0) changed_.notify_all();
}

void download::wrong(std::uint64_t block) {
  if (++wrong_[block] == tries_max) {
    return fail_with(
        {.code = errc::bad_digest,
         .context = fmt::format("block {} arrived damaged {} times", block, tries_max)});
  }
  ++blocks_repeated_;
  queue_.push_front({.first = block, .count = 1});
  changed_.notify_all();
}

}  // namespace sluice::client
