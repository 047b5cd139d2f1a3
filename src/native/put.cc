#include "native/put.h"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "base/log.h"
#include "native/convert.h"
#include "net/buffers.h"
#include "transfer/uploads.h"
#include "wire/error_message.h"

namespace sluice::native {
namespace {

// Blocks of one PUT that are written at the same time, each in a buffer of the pool.
constexpr std::size_t max_writing = 4;

// What may become of a block without the upload being at an end.
bool concerns_block_only(errc code) {
  return code == errc::bad_digest || code == errc::conflict || code == errc::invalid_argument;
}

result<transfer::upload_request> request_of(const base::caller_ptr& who, const v1::Put& message) {
  auto asked = base::permit<base::right::give>(who, message.path());
  if (!asked) return std::unexpected(asked.error());
  auto path = transfer::allowed_place<base::right::give>::of(std::move(*asked));
  if (!path) return std::unexpected(path.error());
  transfer::upload_request wanted(std::move(*path));
  if (message.has_size_bytes()) wanted.size_bytes = message.size_bytes();
  wanted.mtime_ns = message.mtime_ns();
  wanted.executable = message.executable();
  wanted.replaces = replaced_file(message.has_replace() ? &message.replace() : nullptr);
  wanted.make_parents = message.parents();
  wanted.resume = message.resume();
  wanted.kept = message.kept();
  return wanted;
}

result<transfer::opened_upload> open_upload(transfer::uploads& uploads, const v1::Put& message,
                                            const base::caller_ptr& who) {
  result<std::string> id;
  if (!message.upload_id().empty()) {
    id = upload_id_text(message.upload_id());
    if (!id) return std::unexpected(id.error());
    if (message.path().empty()) return uploads.join(*id, who);
  }
  const auto wanted = request_of(who, message);
  if (!wanted) return std::unexpected(wanted.error());
  return id->empty() ? uploads.open(*wanted) : uploads.rename(*id, *wanted);
}

// A whole file has no id that the client knows: nobody could go on with it.
result<transfer::opened_upload> open_untold(transfer::uploads& uploads, const v1::Put& message,
                                            const base::caller_ptr& who) {
  auto wanted = request_of(who, message);
  if (!wanted) return std::unexpected(wanted.error());
  wanted->resume = false;
  wanted->untold = true;
  return uploads.open(*wanted);
}

}  // namespace

put::put(std::shared_ptr<session> self, std::uint32_t request,
         const transfer::opened_upload& opened)
    : session_(std::move(self)), request_(request), upload_(opened.upload), by_(opened.by) {}

// Reports come on a thread of the transfer room.
void put::attach() {
  auto told = [where = session_->where(),
               me = weak_from_this()](const transfer::durability_report& report) {
    boost::asio::post(where, [me, report] {
      if (const auto self = me.lock()) self->tell(report);
    });
  };
  writer_ = upload_->attach(std::move(told), by_);
}

awaitable<std::shared_ptr<put>> put::open(std::shared_ptr<session> self, std::uint32_t request,
                                          v1::Put message) {
  auto& shared = self->shared();
  const auto who = self->caller();
  const auto opened = co_await net::on_pool(
      shared.pool, [&shared, &message, &who] { return open_upload(shared.uploads, message, who); });
  if (!opened) {
    self->reply_error(request, opened.error(), message.path());
    co_return nullptr;
  }
  if (opened->done) {
    v1::PutDone done;
    *done.mutable_entry() = to_wire(*opened->done, opened->path);
    self->writer().send(wire::kind::put_done, request, wire::last, done);
    co_return nullptr;
  }
  v1::PutOpened reply;
  reply.set_upload_id(upload_id_bytes(opened->upload->id()));
  reply.set_held_blocks(opened->upload->held_count());
  reply.set_changed(opened->is_other);
  if (opened->is_kept) {
    reply.set_path(opened->upload->path().text());
    self->writer().send(wire::kind::put_opened, request, wire::last, reply);
    co_return nullptr;
  }
  auto made = std::make_shared<put>(self, request, *opened);
  made->attach();
  self->writer().send(wire::kind::put_opened, request, wire::no_flags, reply);
  co_return made;
}

awaitable<result<bool>> put::receive_slowly(std::shared_ptr<session> self, std::uint32_t request,
                                            const v1::Put& message, wire::block_head block) {
  auto& shared = self->shared();
  const auto who = self->caller();
  const auto opened = co_await net::on_pool(
      shared.pool, [&shared, &message, &who] { return open_untold(shared.uploads, message, who); });
  if (!opened) {
    self->reply_error(request, opened.error(), message.path());
    co_return true;
  }
  auto made = std::make_shared<put>(self, request, *opened);
  made->is_untold_ = true;
  made->attach();
  auto taken = co_await made->take_block(block);
  co_await made->quiet();
  if (taken && !made->over_ && !made->refused_) {
    made->start_finish(message.size_bytes());
    co_return true;
  }
  auto aborted = co_await net::on_pool(shared.pool, [&opened] { return opened->upload->abort(); });
  if (!taken) co_return std::unexpected(std::move(taken.error()));
  if (!aborted) made->end_with(aborted.error());
  co_return made->over_;
}

awaitable<result<void>> put::take(const wire::frame_head& head) {
  using wire::kind;
  if (head.kind == kind::block) {
    const auto block = co_await session_->reader().block();
    if (!block) co_return std::unexpected(block.error());
    co_return co_await take_block(*block);
  }
  const auto body = co_await session_->reader().body();
  if (!body) co_return std::unexpected(body.error());
  if (head.kind == kind::checkpoint) {
    session_->start(checkpoint(shared_from_this()));
    co_return result<void>{};
  }
  ending_ = true;
  if (head.kind == kind::put_finish) {
    auto message = wire::parse_message<v1::PutFinish>(head.kind, *body);
    if (!message) co_return std::unexpected(message.error());
    session_->start(finish(shared_from_this(), std::move(*message)));
  } else if (head.kind == kind::put_abort) {
    session_->start(abort(shared_from_this()));
  } else {
    session_->start(depart(shared_from_this()));
  }
  session_->end_put(request_);  // what still comes for this request is dropped
  co_return result<void>{};
}

// Of a block sent twice the later counts (docs/wire.md): it waits for the earlier one. Else the
// pool could come to it first.
bool put::must_wait(std::uint64_t offset) const {
  return writing_.size() >= max_writing || std::ranges::find(writing_, offset) != writing_.end();
}

awaitable<result<void>> put::take_block(wire::block_head block) {
  auto& reader = session_->reader();
  const std::size_t size_bytes = reader.payload_left();
  auto ready = co_await reader.payload_ready(size_bytes);
  if (!ready) co_return ready;
  while (must_wait(block.offset)) co_await session_->changed().wait();
  auto buffer = co_await net::acquire(session_->shared().buffers);
  if (!buffer) {
    end_with(buffer.error());
    co_return result<void>{};
  }
  const auto here = reader.payload_now(buffer->bytes().first(size_bytes));
  if (!here) co_return std::unexpected(here.error());
  if (*here < size_bytes) {
    co_return co_await take_in_pieces(block, size_bytes, std::move(*buffer), *here);
  }
  writing_.push_back(block.offset);
  session_->start(write(shared_from_this(), std::move(*buffer), size_bytes, block));
  co_return result<void>{};
}

awaitable<void> put::write(std::shared_ptr<put> self, base::pooled_buffer buffer,
                           std::size_t size_bytes, wire::block_head block) {
  const auto writer = self->writer_;
  result<void> outcome = fail(errc::cancelled);
  if (writer) {
    outcome =
        co_await net::on_pool(self->session_->shared().pool, [&writer, &buffer, size_bytes, block] {
          auto written =
              writer->write(block.offset, buffer.bytes().first(size_bytes), block.digest);
          buffer.give_back();
          return written;
        });
  }
  self->writing_.erase(std::ranges::find(self->writing_, block.offset));
  self->session_->changed().notify_all();
  self->block_ended(block, outcome);
}

// A block that a slow peer, or a small kernel buffer, gives us bit by bit: each bit is written
// where it belongs, and no buffer is held while waiting for the next.
awaitable<result<void>> put::take_in_pieces(wire::block_head block, std::size_t size_bytes,
                                            base::pooled_buffer buffer, std::size_t here) {
  const auto writer = writer_;
  if (!writer) co_return result<void>{};
  auto begun = co_await net::on_pool(session_->shared().pool, [&writer, block, size_bytes] {
    return writer->begin(block.offset, size_bytes, block.digest);
  });
  if (!begun) {
    block_ended(block, std::unexpected(begun.error()));
    co_return result<void>{};
  }
  result<void> outcome;
  auto received = co_await append_rest(*begun, std::move(buffer), here, outcome);
  if (!received) co_return received;
  if (outcome) {
    outcome = co_await net::on_pool(session_->shared().pool, [&begun] { return begun->finish(); });
  }
  block_ended(block, outcome);
  co_return result<void>{};
}

// `outcome` is what the disk said, the result what the connection did.
awaitable<result<void>> put::append_rest(transfer::block_in_pieces& pieces,
                                         base::pooled_buffer buffer, std::size_t here,
                                         result<void>& outcome) {
  auto& shared = session_->shared();
  auto& reader = session_->reader();
  for (;;) {
    outcome = co_await net::on_pool(shared.pool, [&pieces, &buffer, here] {
      return pieces.append(buffer.bytes().first(here));
    });
    buffer.give_back();
    if (!outcome || reader.payload_left() == 0) co_return result<void>{};
    auto ready = co_await reader.payload_ready(reader.payload_left());
    if (!ready) co_return ready;
    auto next = co_await net::acquire(shared.buffers);
    if (!next) {
      outcome = std::unexpected(next.error());
      co_return result<void>{};
    }
    buffer = std::move(*next);
    const auto got = reader.payload_now(buffer.bytes());
    if (!got) co_return std::unexpected(got.error());
    here = *got;
  }
}

void put::block_ended(const wire::block_head& block, const result<void>& outcome) {
  if (outcome || over_ || !writer_) return;
  if (concerns_block_only(outcome.error().code)) {
    refuse_block(block.offset, outcome.error());
  } else {
    end_with(outcome.error());
  }
}

void put::refuse_block(std::uint64_t offset, const error& why) {
  refused_ = true;
  v1::BlockRefused refused;
  refused.set_offset(offset);
  *refused.mutable_error() = wire::to_wire(why, upload_->path().text());
  session_->writer().send(wire::kind::block_refused, request_, wire::no_flags, refused);
}

void put::tell(const transfer::durability_report& report) {
  if (over_) return;
  const bool is_refused = report.failure && report.failure->code == errc::not_allowed;
  if (is_refused) return end_with(*report.failure);
  if (!report.durable.empty()) {
    v1::BlocksDurable durable;
    for (const auto& range : report.durable) {
      auto* run = durable.add_blocks();
      run->set_first(range.first);
      run->set_count(range.count);
    }
    session_->writer().send(wire::kind::blocks_durable, request_, wire::no_flags, durable);
  }
  const error why = report.failure.value_or(error{errc::io, "sync"});
  for (const auto& range : report.lost) {
    for (std::uint64_t i = 0; i < range.count; ++i) {
      refuse_block((range.first + i) * base::block_bytes, why);
    }
  }
}

void put::end_with(const error& why) {
  if (over_) return;
  over_ = true;
  session_->reply_error(request_, why, upload_->path().text());
  session_->end_put(request_);
}

awaitable<void> put::quiet() {
  while (!writing_.empty()) co_await session_->changed().wait();
}

awaitable<void> put::checkpoint(std::shared_ptr<put> self) {
  const auto writer = self->writer_;
  co_await self->quiet();
  if (!writer) co_return;
  using outcome = result<std::vector<transfer::block_range>>;
  const outcome durable = co_await net::from_callback<outcome>([&writer](const auto& complete) {
    writer->checkpoint([complete](outcome value) { complete(std::move(value)); });
  });
  if (self->over_) co_return;
  if (!durable) {
    // One that was still waiting when the upload was thrown away has nothing to say about it.
    if (!self->ending_) self->end_with(durable.error());
    co_return;
  }
  // The blocks themselves were told by the report; this says that the checkpoint is behind us.
  self->session_->writer().send(wire::kind::blocks_durable, self->request_, wire::no_flags,
                                v1::BlocksDurable());
}

awaitable<void> put::finish(std::shared_ptr<put> self, v1::PutFinish message) {
  co_await self->quiet();
  if (self->over_) co_return;
  self->start_finish(message.has_size_bytes() ? std::optional(message.size_bytes()) : std::nullopt);
}

void put::drop_untold() {
  if (!is_untold_) return;
  if (auto aborted = upload_->abort(); !aborted) {
    base::log_warning("throw away {}: {}", upload_->path().text(), aborted.error().message());
  }
}

// On the pool, since it blocks; answered from the thread that commits.
void put::start_finish(std::optional<std::uint64_t> size_bytes) {
  session_->entered();
  boost::asio::post(session_->shared().pool, [self = shared_from_this(), size_bytes] {
    self->upload_->finish(self->by_, size_bytes, [self](result<store::entry> published) {
      if (!published) self->drop_untold();  // on the pool: only success comes from the catalog
      self->session_->post([self, published = std::move(published)] {
        if (!published) return self->end_with(published.error());
        self->over_ = true;
        v1::PutDone done;
        *done.mutable_entry() = to_wire(*published, self->upload_->path().text());
        self->session_->writer().send(wire::kind::put_done, self->request_, wire::last, done);
      });
    });
  });
}

awaitable<void> put::abort(std::shared_ptr<put> self) {
  co_await self->quiet();
  const auto aborted = co_await net::on_pool(self->session_->shared().pool,
                                             [&self] { return self->upload_->abort(); });
  if (!aborted) {
    self->end_with(aborted.error());
  } else {
    self->over_ = true;
    self->session_->writer().send(wire::kind::ok, self->request_, wire::last, v1::Ok());
  }
}

awaitable<void> put::depart(std::shared_ptr<put> self) {
  co_await self->quiet();
  if (self->over_) co_return;
  self->over_ = true;
  self->writer_.reset();
  self->session_->writer().send(wire::kind::ok, self->request_, wire::last, v1::Ok());
}

}  // namespace sluice::native
