// The upload's side of a serial writer: who has the right to write, what arrived of the unfinished
// block, and how far it is all durable.
#include <algorithm>
#include <ctime>

#include "base/log.h"
#include "transfer/serial_upload.h"
#include "transfer/upload.h"

namespace sluice::transfer {

std::uint64_t upload::durable_bytes() const {
  const std::lock_guard lock(mutex_);
  return durable_bytes_now();
}

bool upload::is_whole() const {
  const std::lock_guard lock(mutex_);
  return row_.size_bytes && durable_bytes_now() == *row_.size_bytes;
}

std::uint64_t upload::durable_bytes_now() const {
  const auto blocks = blocks_.durable_prefix();
  if (durable_tail_ && durable_tail_->end_bytes / base::block_bytes == blocks) {
    return durable_tail_->end_bytes;
  }
  const auto bytes = blocks * base::block_bytes;
  return row_.size_bytes ? std::min(bytes, *row_.size_bytes) : bytes;
}

result<std::size_t> upload::read(std::uint64_t offset, std::span<std::byte> out) const {
  std::shared_ptr<store::partial> file;
  {
    const std::lock_guard lock(mutex_);
    if (auto open = check_phase(); !open) return std::unexpected(open.error());
    file = file_;
  }
  return file->read(offset, out);
}

result<std::shared_ptr<serial_writer>> upload::write_serially(fenced_callback fenced,
                                                              const allowed& by) {
  auto mine = claim_serially(std::move(fenced));
  if (!mine) return std::unexpected(mine.error());
  auto settled = settle();
  auto made = settled ? make_writer(*mine, by) : std::unexpected(settled.error());
  if (!made) release_serially(*mine);
  return made;
}

result<upload::claim_ptr> upload::claim_serially(fenced_callback fenced) {
  auto mine = std::make_shared<claim>();
  mine->told = std::move(fenced);
  wait_while_finishing();
  // Held until the one before is fenced: who takes over from us waits for both.
  const std::lock_guard writing(mine->writing);
  claim_ptr before;
  {
    const std::lock_guard lock(mutex_);
    if (auto open = check_phase(); !open) return std::unexpected(open.error());
    if (form_ == catalog::upload_form::blocks) {
      return fail(errc::invalid_argument,
                  "write " + path_.text() + " from its beginning: its bytes come in blocks");
    }
    mine->file = file_;
    before = std::exchange(serial_, mine);
  }
  if (!before) return mine;
  fence({before});
  tell_fenced({before});
  return mine;
}

void upload::release_serially(const claim_ptr& mine) {
  const std::lock_guard writing(mine->writing);
  mine->fenced = true;
  mine->file.reset();
  mine->told = nullptr;
  const std::lock_guard lock(mutex_);
  if (serial_ == mine) serial_.reset();
}

// All that arrived is durable, and nobody else writes. What is behind a gap, where a block was
// found to be damaged, is about to be written over.
result<std::shared_ptr<serial_writer>> upload::make_writer(const claim_ptr& mine,
                                                           const allowed& by) {
  std::uint64_t offset = 0;
  std::optional<catalog::held_tail> tail;
  {
    const std::lock_guard lock(mutex_);
    offset = durable_bytes_now();
    if (durable_tail_ && durable_tail_->end_bytes == offset) tail = tail_ = durable_tail_;
  }
  base::digest_stream stream;
  if (tail) {
    auto read = read_tail(*mine, *tail);
    if (!read && read.error().code != errc::bad_digest) return std::unexpected(read.error());
    if (read) {
      stream = std::move(*read);
    } else {
      base::log_error("{}; back to the block's beginning", read.error().message());
      offset -= offset % base::block_bytes;
    }
  }
  if (auto dropped = drop_behind(offset); !dropped) return std::unexpected(dropped.error());
  return std::make_shared<serial_writer>(shared_from_this(), mine, offset, std::move(stream), by);
}

// bad_digest: the stored bytes are not what was recorded.
result<base::digest_stream> upload::read_tail(claim& mine, const catalog::held_tail& tail) {
  const std::string what = "read what there is of the last block of upload " + id_;
  const std::uint64_t begin = tail.end_bytes / base::block_bytes * base::block_bytes;
  std::vector<std::byte> bytes(tail.end_bytes - begin);
  std::shared_ptr<store::partial> file;
  {
    const std::lock_guard writing(mine.writing);
    file = mine.file;
  }
  if (!file) return fail(errc::conflict, what + ": a newer request goes on with it");
  auto read = file->read(begin, bytes);
  if (!read) return std::unexpected(read.error());
  base::digest_stream stream;
  stream.update(std::span(bytes).first(*read));
  if (*read != bytes.size() || stream.digest() != tail.digest) return fail(errc::bad_digest, what);
  return stream;
}

// Its bytes are about to be written over: first the catalog must not say any more that it is here.
result<void> upload::drop_tail() {
  auto committed = site_.catalog.write([this](catalog::session& s) -> result<void> {
    (void)catalog::set_tail(s, id_, std::nullopt, std::time(nullptr));
    return {};
  });
  if (!committed) return committed;
  const std::lock_guard lock(mutex_);
  tail_.reset();
  durable_tail_.reset();
  return {};
}

result<void> upload::drop_behind(std::uint64_t offset) {
  const auto first = (offset + base::block_bytes - 1) / base::block_bytes;
  for (const auto& each : held(first, base::file_bytes_max)) {
    if (auto dropped = drop_block(each.block); !dropped) return dropped;
  }
  bool is_stale = false;
  {
    const std::lock_guard lock(mutex_);
    is_stale = durable_tail_ && durable_tail_->end_bytes > offset;
  }
  return is_stale ? drop_tail() : result<void>();
}

// The size, as far as it is known.
result<std::uint64_t> upload::check_append(std::uint64_t offset, std::uint64_t size_bytes) {
  const std::lock_guard lock(mutex_);
  if (auto open = check_phase(); !open) return std::unexpected(open.error());
  const auto most = row_.size_bytes.value_or(base::file_bytes_max);
  if (size_bytes > most - offset) {
    return fail(errc::invalid_argument, "receive " + path_.text() + ": more bytes than the " +
                                            std::to_string(most) + " that it may have");
  }
  if (auto room = check_room(offset + size_bytes); !room) return std::unexpected(room.error());
  return most;
}

// With the writer's claim held for writing.
result<void> upload::received_serially(const serial_bytes& what) {
  bool due = false;
  {
    const std::lock_guard lock(mutex_);
    if (auto open = check_phase(); !open) return open;
    if (undurable_bytes_ == 0 && !untold_) undurable_since_ = clock::now();
    for (const auto& held : what.blocks) {
      blocks_.set(held.block, held.digest, block_state::received);
    }
    tail_ = what.tail;
    undurable_bytes_ += what.size_bytes;
    due = undurable_bytes_ >= site_.opts.checkpoint_bytes;
  }
  if (due) checkpoints_->request(shared_from_this());
  return {};
}

// With the writer's claim held for writing: nothing else is appended meanwhile.
result<void> upload::record_size(std::uint64_t size_bytes, std::uint64_t offset) {
  const std::string what =
      "declare that " + path().text() + " has " + std::to_string(size_bytes) + " bytes";
  {
    const std::lock_guard lock(mutex_);
    if (auto open = check_phase(); !open) return open;
    if (row_.size_bytes == size_bytes) return {};
    if (row_.size_bytes) {
      return fail(errc::conflict, what + ": it has " + std::to_string(*row_.size_bytes));
    }
    if (size_bytes > base::file_bytes_max) return fail(errc::invalid_argument, what);
    if (size_bytes < offset) {
      return fail(errc::conflict, what + ": " + std::to_string(offset) + " arrived already");
    }
    if (auto room = check_room(size_bytes); !room) return room;
  }
  auto committed = site_.catalog.write([&](catalog::session& s) -> result<void> {
    catalog::set_size(s, id_, size_bytes);
    return {};
  });
  if (!committed) return committed;
  const std::lock_guard lock(mutex_);
  row_.size_bytes = size_bytes;
  end_tail_as_block();
  return {};
}

// Where the file ends with it, the unfinished block is a whole one.
void upload::end_tail_as_block() {
  if (!tail_ || row_.size_bytes != tail_->end_bytes) return;
  const auto state = tail_ == durable_tail_ ? block_state::durable : block_state::received;
  blocks_.set(tail_->end_bytes / base::block_bytes, tail_->digest, state);
  tail_.reset();
}

}  // namespace sluice::transfer
