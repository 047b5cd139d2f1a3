#include "native/small_puts.h"

#include <boost/asio/post.hpp>

#include "native/convert.h"
#include "native/put.h"
#include "net/buffers.h"
#include "transfer/small_files.h"
#include "wire/error_message.h"

namespace sluice::native {
namespace {

// Batches of one connection that are on the pool at the same time.
constexpr std::size_t max_batches = 4;
// As long as fewer are, what came goes at once; beyond, more is gathered: a hop to another thread
// costs as much as a small file.
constexpr std::size_t busy_batches = 2;
// So that several threads share the work, also where files are tiny.
constexpr std::size_t max_batch_files = 128;

}  // namespace

void small_puts::begin(std::uint32_t request, v1::Put message) {
  if (!message.has_size_bytes() || message.size_bytes() > base::block_bytes) {
    const error why{errc::invalid_argument, "PUT with `whole` needs a size of at most one block"};
    return session_.reply_error(request, why, message.path());
  }
  if (message.size_bytes() == 0) {
    return add({.request = request, .message = std::move(message), .digest = base::digest_of({})});
  }
  waiting_.emplace(request, std::move(message));
}

void small_puts::add(file one) {
  ++unanswered_;
  gathered_.files.push_back(std::move(one));
  if (gathered_.files.size() >= max_batch_files) flush();
}

awaitable<result<void>> small_puts::take(const wire::frame_head& head) {
  auto message = std::move(waiting_.extract(head.request).mapped());
  if (head.kind != wire::kind::block) {
    const error why{errc::invalid_argument, "only a BLOCK follows a PUT with `whole`"};
    session_.reply_error(head.request, why, message.path());
    co_return result<void>{};
  }
  const auto block = co_await session_.reader().block();
  if (!block) co_return std::unexpected(block.error());
  if (block->offset != 0 || session_.reader().payload_left() != message.size_bytes()) {
    const error why{errc::invalid_argument,
                    "the BLOCK is not the whole file that the PUT announced"};
    session_.reply_error(head.request, why, message.path());
    co_return result<void>{};
  }
  co_return co_await gather(head.request, std::move(message), *block);
}

awaitable<result<void>> small_puts::gather(std::uint32_t request, v1::Put message,
                                           wire::block_head block) {
  auto& reader = session_.reader();
  const std::size_t size_bytes = reader.payload_left();
  if (reader.here() < size_bytes) {
    flush_soon();  // nothing of ours waits for the peer
    auto ready = co_await reader.payload_ready(size_bytes);
    if (!ready) co_return ready;
    if (reader.here() < size_bytes) {
      const auto self = session_.shared_from_this();
      const auto answered = co_await put::receive_slowly(self, request, message, block);
      if (!answered) co_return std::unexpected(answered.error());
      if (!*answered) waiting_.emplace(request, std::move(message));
      co_return result<void>{};
    }
  }
  if (!has_room(size_bytes)) {
    auto room = co_await make_room();
    if (!room) {
      session_.reply_error(request, room.error(), message.path());
      co_return result<void>{};
    }
  }
  const std::size_t begin = std::exchange(gathered_.used_bytes, gathered_.used_bytes + size_bytes);
  is_filling_ = true;
  auto received = co_await reader.payload(gathered_.buffer.bytes().subspan(begin, size_bytes));
  is_filling_ = false;
  if (!received) co_return received;
  add({.request = request,
       .message = std::move(message),
       .begin = begin,
       .size_bytes = size_bytes,
       .digest = block.digest});
  co_return result<void>{};
}

bool small_puts::has_room(std::size_t size_bytes) const noexcept {
  return gathered_.buffer && base::block_bytes - gathered_.used_bytes >= size_bytes;
}

// A fresh buffer.
awaitable<result<void>> small_puts::make_room() {
  flush();
  while (batches_ >= max_batches) co_await session_.changed().wait();
  auto buffer = co_await net::acquire(session_.shared().buffers);
  if (!buffer) co_return std::unexpected(buffer.error());
  gathered_.buffer = std::move(*buffer);
  co_return result<void>{};
}

void small_puts::flush() {
  if (gathered_.files.empty()) {
    gathered_ = {};
    return;
  }
  ++batches_;
  session_.entered();
  boost::asio::post(session_.shared().pool,
                    [keep = session_.shared_from_this(), this, who = session_.caller(),
                     files = std::exchange(gathered_, {})]() mutable {
                      store_all(keep, *this, who, std::move(files));
                    });
}

void small_puts::flush_soon() {
  if (batches_ < busy_batches) flush();
}

// On a thread of the pool. Each file's answer comes later, from the thread that commits.
void small_puts::store_all(const std::shared_ptr<session>& keep, small_puts& self,
                           const base::caller_ptr& who, batch files) {
  for (auto& one : files.files) {
    const auto payload =
        one.size_bytes == 0
            ? std::span<const std::byte>()
            : std::span<const std::byte>(files.buffer.bytes()).subspan(one.begin, one.size_bytes);
    store(keep, self, who, std::move(one), payload);
  }
  files.buffer.give_back();
  keep->post([&self] { self.stored_batch(); });
}

void small_puts::stored_batch() {
  --batches_;
  if (!is_filling_) flush_soon();
}

void small_puts::store(const std::shared_ptr<session>& keep, small_puts& self,
                       const base::caller_ptr& who, file one, std::span<const std::byte> payload) {
  auto asked = base::permit<base::right::give>(who, one.message.path());
  const auto replaces = replaced_file(one.message.has_replace() ? &one.message.replace() : nullptr);
  const auto mtime_ns = one.message.mtime_ns();
  const bool executable = one.message.executable();
  const bool make_parents = one.message.parents();
  auto answered = [keep, &self, request = one.request,
                   message = std::move(one.message)](result<store::entry> stored) mutable {
    self.add(keep, {request, std::move(message), std::move(stored)});
  };
  if (!asked) return answered(std::unexpected(asked.error()));
  transfer::small_file wanted(std::move(*asked));
  wanted.mtime_ns = mtime_ns;
  wanted.executable = executable;
  wanted.replaces = replaces;
  wanted.make_parents = make_parents;
  keep->shared().small_files.put(wanted, payload, one.digest, std::move(answered));
}

// From any thread. Whole groups are done at a time: the session is woken once for all that is
// there.
void small_puts::add(const std::shared_ptr<session>& keep, outcome one) {
  {
    const std::lock_guard lock(outcomes_mutex_);
    outcomes_.push_back(std::move(one));
    if (outcomes_.size() > 1) return;
  }
  boost::asio::post(keep->where(), [keep, this] { answer_all(); });
}

void small_puts::answer_all() {
  std::vector<outcome> now;
  {
    const std::lock_guard lock(outcomes_mutex_);
    now.swap(outcomes_);
  }
  unanswered_ -= now.size();
  for (auto& one : now) answer(std::move(one));
  session_.changed().notify_all();
}

void small_puts::answer(outcome one) {
  const auto& [request, message, stored] = one;
  if (stored) {
    v1::PutDone done;
    *done.mutable_entry() = to_wire(*stored, plain_path(message.path()));
    return session_.writer().send(wire::kind::put_done, request, wire::last, done);
  }
  if (stored.error().code != errc::bad_digest) {
    return session_.reply_error(request, stored.error(), message.path());
  }
  v1::BlockRefused refused;
  *refused.mutable_error() = wire::to_wire(stored.error(), message.path());
  session_.writer().send(wire::kind::block_refused, request, wire::no_flags, refused);
  waiting_.emplace(request, std::move(one.message));  // the client sends the block again
}

}  // namespace sluice::native
