#include "client/upload.h"

#include <fmt/format.h>
#include <algorithm>

#include "client/digests.h"
#include "client/lane.h"
#include "net/buffers.h"

namespace sluice::client {
namespace {

// Blocks of one connection that are with the disk at the same time.
constexpr unsigned reads_ahead = 3;

// A block goes out of the buffer in which it was digested. Measured against digesting it and then
// sending it out of the page cache (sendfile): the same time here, and a third less at the
// receiver, whose copies of whole buffers are cheaper than those of single pages.
struct block_read {
  std::shared_ptr<base::pooled_buffer> buffer;
  std::size_t bytes = 0;
  base::digest128 digest;
};

result<block_read> read_and_digest(int fd, std::uint64_t block, std::uint64_t size_bytes,
                                   base::pooled_buffer buffer) {
  const auto bytes = bytes_of(block, size_bytes);
  const auto got = read_at(fd, buffer.bytes().first(bytes), offset_of(block));
  if (!got) return std::unexpected(got.error());
  if (*got < bytes) return fail(errc::changed, "the source became shorter while it was sent");
  const auto digest = base::digest_of(buffer.bytes().first(bytes));
  return block_read{std::make_shared<base::pooled_buffer>(std::move(buffer)), bytes, digest};
}

}  // namespace

upload::upload(session& owner, put_place place, const source_file& source)
    : session_(owner),
      place_(std::move(place)),
      source_(source),
      durable_(blocks_of(source.facts.size_bytes)),
      streams_(owner.where()),
      changed_(owner.where()) {}

awaitable<result<void>> upload::send(unsigned streams) {
  lanes_wanted_ = streams;
  streams_.spawn(stream(shared_from_this(), true));
  co_await streams_.join();
  while (reading_ > 0) co_await changed_.wait();
  if (failed_) co_return std::unexpected(*failed_);
  co_return result<void>{};
}

awaitable<void> upload::stream(self me, bool first) {
  auto ended = co_await me->stream_on(first);
  if (!first) --me->others_;
  // One of the further streams that cannot go on leaves its work to the others.
  if (!ended && first) me->fail_with(std::move(ended.error()));
  me->changed_.notify_all();
}

awaitable<result<void>> upload::stream_on(bool first) {
  patience patient(session_);
  for (;;) {
    if (session_.stopping()) co_return fail(errc::cancelled);
    const auto before = durable_.count();
    auto by = co_await session_.open(place_.server);
    result<void> served = by ? result<void>{} : std::unexpected(by.error());
    if (by) served = co_await serve(*by, first);
    if (is_over()) co_return result<void>{};
    if (by) session_.give_back(std::move(*by));  // unless it is lost
    if (served) co_return served;
    if (durable_.count() > before) patient.progress();
    const bool again = co_await patient.once_more(served.error());
    if (!again) co_return served;
  }
}

v1::Put upload::opening() const {
  v1::Put message;
  if (upload_id_.empty() || renames_) {
    message = put_of(place_.path, source_.facts, place_.replace);
  }
  if (!upload_id_.empty()) {
    message.set_upload_id(upload_id_);
  } else {
    message.set_resume(true);
    message.set_kept(asks_kept_);
  }
  return message;
}

awaitable<result<void>> upload::serve(std::shared_ptr<connection> by, bool first) {
  const auto mine = std::make_shared<lane>(shared_from_this(), std::move(by));
  auto begun = co_await begin_with(mine);
  if (!begun || published_) co_return begun;
  auto fed = co_await feed(mine);
  if (!fed) {
    // A server that is not told otherwise would wait for more.
    mine->by().close({.code = errc::cancelled, .context = {}});
    co_return fed;
  }
  if (first) {
    auto published = co_await publish(mine);
    co_return published;
  }
  mine->send(wire::kind::put_leave, v1::PutLeave());
  while (!mine->left && !mine->failed()) co_await changed_.wait();
  if (mine->failed()) mine->by().close(*mine->failed());
  co_return result<void>{};
}

// PUT, and for the first connection: what the server holds already, and the other streams.
awaitable<result<void>> upload::begin_with(lane_ptr by) {
  auto opened = co_await open_on(by);
  if (!opened) co_return opened;
  if (by->done) {  // the answer to our PUT_FINISH was lost with a connection
    published_ = true;
    co_return result<void>{};
  }
  if (upload_id_.empty()) upload_id_ = by->opened->upload_id();
  if (compared_) co_return result<void>{};
  if (by->opened->changed()) {
    session_.progress().notice(
        fmt::format("{}: the source changed since an earlier put that was not finished; all of it "
                    "is sent",
                    place_.path));
  }
  if (by->opened->held_blocks() > 0) {
    auto compared = co_await compare_held(by);
    if (!compared) co_return compared;
  } else {
    queue_.push({.first = 0, .count = durable_.capacity()});
  }
  compared_ = true;
  session_.progress().enter(phase::sending, place_.path);
  for (unsigned i = 1; i < lanes_wanted_; ++i) {
    ++others_;
    streams_.spawn(stream(shared_from_this(), false));
  }
  co_return result<void>{};
}

// What the server holds is proved by digest, not trusted.
awaitable<result<void>> upload::compare_held(lane_ptr by) {
  session_.progress().enter(phase::comparing, place_.path);
  const digest_question what{
      .path = {}, .upload_id = upload_id_, .size_bytes = source_.facts.size_bytes};
  auto found = co_await compare(by->link(), what, source_.fd.get(), {});
  if (!found) co_return std::unexpected(std::move(found.error()));
  std::uint64_t next = 0;
  const auto held = by->opened->held_blocks();
  for (const auto& blocks : found->different) {
    while (next < blocks.first) durable_.insert(next++);
    queue_.push(blocks);
    next = blocks.end();
  }
  while (next < durable_.capacity()) durable_.insert(next++);
  if (held > durable_.count()) {
    session_.progress().notice(fmt::format(
        "{}: the source changed since an earlier put: {} of the {} blocks that the server held "
        "differ, and are sent again",
        place_.path, held - durable_.count(), held));
  }
  co_return result<void>{};
}

// Sends blocks until all of them, of all streams, are durable.
awaitable<result<void>> upload::feed(lane_ptr by) {
  while (!failed_ && !by->failed()) {
    if (!queue_.empty() && by->reading < reads_ahead) {
      co_await start_reading(by);
      continue;
    }
    if (queue_.empty() && by->reading == 0) {
      if (durable_.is_full()) co_return result<void>{};
      if (!by->unacked.empty() && !by->asked_checkpoint) {
        by->asked_checkpoint = true;
        by->send(wire::kind::checkpoint, v1::Checkpoint());
        if (reading_ == 0) session_.progress().enter(phase::syncing, place_.path);
      }
    }
    co_await changed_.wait();
  }
  co_return std::unexpected(failed_ ? *failed_ : *by->failed());
}

awaitable<void> upload::start_reading(lane_ptr by) {
  auto room = co_await by->by().writer().room();
  if (!room) {
    by->by().close(room.error());
    co_return;
  }
  auto buffer = co_await net::acquire(session_.buffers());
  if (!buffer) {
    fail_with(std::move(buffer.error()));
    co_return;
  }
  if (failed_ || by->failed()) co_return;
  if (const auto block = queue_.take_one()) read_block(by, *block, std::move(*buffer));
}

void upload::read_block(const lane_ptr& by, std::uint64_t block, base::pooled_buffer buffer) {
  ++by->reading;
  ++reading_;
  auto work = [fd = source_.fd.get(), block, size = source_.facts.size_bytes,
               buffer = std::move(buffer)]() mutable {
    return read_and_digest(fd, block, size, std::move(buffer));
  };
  session_.on_disk(std::move(work), [me = shared_from_this(), by, block](result<block_read> made) {
    --by->reading;
    --me->reading_;
    me->changed_.notify_all();
    if (!made) return me->fail_with(std::move(made.error()));
    if (by->failed()) return me->queue_.push_front({.first = block, .count = 1});
    me->bytes_moved_ += made->bytes;
    me->session_.progress().moved(static_cast<std::int64_t>(made->bytes));
    const wire::block_head head{.offset = offset_of(block), .digest = made->digest};
    const auto view = made->buffer->bytes().first(made->bytes);
    by->send_block(block, head, {std::move(made->buffer), view});
  });
}

// All is durable. The other connections are out of it before the upload is over.
awaitable<result<void>> upload::publish(lane_ptr by) {
  session_.progress().enter(phase::syncing, place_.path);
  while (others_ > 0 && !by->failed()) co_await changed_.wait();
  auto unchanged = co_await check_source();
  if (!unchanged) {
    by->send(wire::kind::put_abort, v1::PutAbort());
    while (!by->left && !by->failed()) co_await changed_.wait();
    co_return unchanged;
  }
  by->send(wire::kind::put_finish, v1::PutFinish());
  while (!by->done && !by->failed()) co_await changed_.wait();
  if (by->failed()) co_return std::unexpected(*by->failed());
  published_ = true;
  co_return result<void>{};
}

awaitable<result<void>> upload::check_source() {
  auto look = [this] { return facts_of(source_.fd.get(), place_.path); };
  auto now = co_await net::on_pool(session_.disk(), look);
  if (!now) co_return std::unexpected(std::move(now.error()));
  if (*now != source_.facts) {
    co_return fail(errc::changed,
                   "the source was written to while it was sent; nothing is published");
  }
  co_return result<void>{};
}

// Sent in vain.
void upload::to_do(std::uint64_t block) {
  queue_.push_front({.first = block, .count = 1});
  const auto bytes = bytes_of(block, source_.facts.size_bytes);
  session_.progress().moved(-static_cast<std::int64_t>(bytes));
}

void upload::refused(std::uint64_t block, const error& why) {
  if (why.code != errc::bad_digest) return fail_with(why);
  if (++refusals_[block] == tries_max) {
    return fail_with(
        {.code = errc::bad_digest,
         .context = fmt::format("block {} arrived damaged {} times", block, tries_max)});
  }
  ++blocks_repeated_;
  to_do(block);
}

void upload::fail_with(error why) {
  if (!failed_) failed_ = std::move(why);
  changed_.notify_all();
}

}  // namespace sluice::client
