// A file of at most one block, in one step.
#include <fmt/format.h>

#include "client/put_file.h"
#include "client/upload.h"
#include "net/buffers.h"
#include "wire/error_message.h"

namespace sluice::client {
namespace {

class whole_reply final : public request {
 public:
  explicit whole_reply(const executor& where) : changed_(where) {}

  result<void> on_message(const wire::frame_head& head, std::span<const std::byte> body) override {
    if (head.kind == wire::kind::put_done) {
      done_ = true;
    } else if (head.kind == wire::kind::block_refused) {
      const auto told = wire::parse_message<v1::BlockRefused>(head.kind, body);
      if (!told) return std::unexpected(told.error());
      refused_ = wire::from_wire(told->error());
    } else {
      return fail(errc::bad_frame, "no answer to a PUT of a whole file");
    }
    changed_.notify_all();
    return {};
  }

  void on_failed(const error& why, bool) override {
    failed_ = why;
    changed_.notify_all();
  }

  // True: published. False: the block is to be sent again.
  awaitable<result<bool>> answer() {
    while (!done_ && !refused_ && !failed_) co_await changed_.wait();
    if (failed_) co_return std::unexpected(*failed_);
    const auto refusal = std::exchange(refused_, std::nullopt);
    if (refusal && refusal->code != errc::bad_digest) co_return std::unexpected(*refusal);
    co_return !refusal;
  }

 private:
  net::signal changed_;
  bool done_ = false;
  std::optional<error> refused_;
  std::optional<error> failed_;
};

// Reads, digests and sends the one block.
awaitable<result<void>> send_block(connection& by, std::uint32_t number,
                                   const source_file& source) {
  auto& owner = by.owner();
  auto buffer = co_await net::acquire(owner.buffers());
  if (!buffer) co_return std::unexpected(std::move(buffer.error()));
  const auto content = buffer->bytes().first(static_cast<std::size_t>(source.facts.size_bytes));
  auto work = [&source, content]() -> result<base::digest128> {
    const auto got = read_at(source.fd.get(), content, 0);
    if (!got) return std::unexpected(got.error());
    const auto now = facts_of(source.fd.get(), "the source");
    if (!now) return std::unexpected(now.error());
    if (*got < content.size() || *now != source.facts) {
      return fail(errc::changed,
                  "the source was written to while it was sent; nothing is published");
    }
    return base::digest_of(content);
  };
  auto digest = co_await net::on_pool(owner.disk(), work);
  if (!digest) co_return std::unexpected(std::move(digest.error()));
  by.writer().send_block(
      number, {.offset = 0, .digest = *digest},
      net::memory_piece{std::make_shared<base::pooled_buffer>(std::move(*buffer)), content});
  co_return result<void>{};
}

}  // namespace

awaitable<result<file_outcome>> put_whole(std::shared_ptr<connection> by, v1::Put message,
                                          const source_file& source) {
  file_outcome outcome;
  const auto reply = std::make_shared<whole_reply>(by->owner().where());
  const auto number = by->begin(wire::kind::put, message, reply);
  for (unsigned tries = 1;; ++tries) {
    if (source.facts.size_bytes > 0) {
      auto sent = co_await send_block(*by, number, source);
      if (!sent) {  // the server waits for a block that will not come
        by->close({.code = errc::cancelled, .context = {}});
        co_return std::unexpected(std::move(sent.error()));
      }
      outcome.bytes_moved += source.facts.size_bytes;
    }
    auto published = co_await reply->answer();
    if (!published) co_return std::unexpected(std::move(published.error()));
    if (*published) {
      by->owner().progress().moved(static_cast<std::int64_t>(source.facts.size_bytes));
      co_return outcome;
    }
    if (tries == upload::tries_max) {
      by->close({.code = errc::cancelled, .context = {}});
      co_return fail(errc::bad_digest, fmt::format("it arrived damaged {} times", tries));
    }
    ++outcome.blocks_repeated;
  }
}

}  // namespace sluice::client
