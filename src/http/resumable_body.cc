#include "http/resumable_body.h"

#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>

#include "net/buffers.h"
#include "net/signal.h"

namespace sluice::http {
namespace {

constexpr std::uint64_t progress_bytes = std::uint64_t{16} << 20;  // told at most so often

// Writes one piece at a time on the pool. Lives in the coroutine that awaits the end of each.
class piece_writer {
 public:
  piece_writer(const exchange& now, service& shared, transfer::byte_writer& to,
               content_digests& digests)
      : pool_(shared.pool), to_(to), digests_(digests), where_(now.where()), ended_(where_) {}

  void start(base::pooled_buffer buffer, std::size_t size_bytes) {
    buffer_ = std::move(buffer);
    running_ = true;
    auto where = boost::asio::prefer(where_, boost::asio::execution::outstanding_work.tracked);
    boost::asio::post(pool_, [this, where, size_bytes] {
      write(size_bytes);
      boost::asio::post(where, [this] {
        running_ = false;
        ended_.notify_all();
      });
    });
  }

  awaitable<void> ended() {
    while (running_) co_await ended_.wait();
  }
  [[nodiscard]] const result<void>& outcome() const noexcept { return outcome_; }

 private:
  void write(std::size_t size_bytes) {
    try {
      const auto piece = buffer_.bytes().first(size_bytes);
      outcome_ = to_.append(piece);
      if (outcome_) {
        for (auto& digest : digests_) digest.update(piece);
      }
    } catch (const std::exception& thrown) {
      outcome_ = fail(errc::internal, std::string("write a piece of an upload: ") + thrown.what());
    }
    buffer_.give_back();
  }

  net::blocking_pool& pool_;
  transfer::byte_writer& to_;
  content_digests& digests_;
  const executor where_;
  net::signal ended_;
  base::pooled_buffer buffer_;
  result<void> outcome_;
  bool running_ = false;
};

std::size_t to_block_end(std::uint64_t offset) {
  return base::block_bytes - static_cast<std::size_t>(offset % base::block_bytes);
}

// One step: waits for the next piece, takes it, and has it written. `more` says whether to go on.
awaitable<result<void>> receive_piece(exchange& now, service& shared, piece_writer& writer,
                                      std::uint64_t& next, result<void>& stored, bool& more) {
  more = false;
  const auto ready = co_await now.body_ready(to_block_end(next));
  if (!ready) co_return ready;
  auto buffer = co_await net::acquire(shared.buffers);
  if (!buffer) {
    stored = std::unexpected(buffer.error());
    co_return result<void>{};
  }
  const auto got = now.body_now(buffer->bytes().first(to_block_end(next)));
  if (!got) co_return std::unexpected(got.error());
  co_await writer.ended();
  stored = writer.outcome();
  if (!stored) co_return result<void>{};
  more = true;
  if (*got == 0) co_return result<void>{};
  next += *got;
  writer.start(std::move(*buffer), *got);
  co_return result<void>{};
}

awaitable<result<void>> tell_progress(const transfer::byte_writer& to, body_watch& watch,
                                      std::uint64_t& told) {
  if (!to.by().still_holds()) co_return result<void>{};  // the next piece is refused
  const auto durable = to.home().durable_bytes();
  if (durable < told + progress_bytes) co_return result<void>{};
  told = durable;
  co_return co_await watch.progress->tell(durable);
}

}  // namespace

awaitable<result<void>> receive_body(exchange& now, service& shared, transfer::byte_writer& to,
                                     body_watch& watch, result<void>& stored) {
  piece_writer writer(now, shared, to, watch.digests);
  std::uint64_t next = to.offset();
  std::uint64_t told = next;
  result<void> received;
  bool more = true;
  while (more && received && !now.body_ended()) {
    received = co_await receive_piece(now, shared, writer, next, stored, more);
    if (received && more && watch.progress != nullptr) {
      received = co_await tell_progress(to, watch, told);
    }
  }
  co_await writer.ended();
  if (stored) stored = writer.outcome();
  co_return received;
}

awaitable<result<std::shared_ptr<transfer::serial_writer>>> take_over(
    exchange& now, service& shared, const transfer::opened_upload& of) {
  const auto abort = now.abort_handle();
  const auto begin = [&of, &abort] { return of.upload->write_serially(abort, of.by); };
  co_return co_await net::on_pool(shared.pool, begin);
}

awaitable<result<std::uint64_t>> make_durable(const std::shared_ptr<transfer::serial_writer>& of) {
  using outcome = result<std::uint64_t>;
  const auto start = [&of](const auto& complete) {
    of->checkpoint([complete](outcome durable) { complete(std::move(durable)); });
  };
  co_return co_await net::from_callback<outcome>(start);
}

awaitable<result<store::entry>> publish(service& shared,
                                        const std::shared_ptr<transfer::upload>& of,
                                        const transfer::upload::allowed& by) {
  using outcome = result<store::entry>;
  const auto start = [&shared, &of, &by](const auto& complete) {
    boost::asio::post(shared.pool, [of, &by, complete] {
      of->finish(by, std::nullopt, [complete](outcome entry) { complete(std::move(entry)); });
    });
  };
  co_return co_await net::from_callback<outcome>(start);
}

}  // namespace sluice::http
