// GET: content out, in blocks with their digests.
#include <algorithm>
#include <deque>

#include "native/convert.h"
#include "native/get_reply.h"
#include "net/on_pool.h"
#include "transfer/downloads.h"

namespace sluice::native {
namespace {

// What is read and sent from memory rather than with sendfile.
constexpr std::size_t small_bytes = 64 * 1024;

struct piece {
  std::uint64_t offset = 0;
  std::size_t bytes = 0;
};

// The ranges cut at the borders of blocks, one piece at a time: a plan for a large file needs no
// memory.
class pieces {
 public:
  pieces(const v1::Get& message, std::uint64_t size_bytes) {
    for (const auto& wanted : message.ranges()) {
      ranges_.push_back({wanted.offset(), wanted.length()});
    }
    if (message.ranges().empty() && size_bytes > 0) ranges_.push_back({0, size_bytes});
  }

  std::optional<piece> next() {
    if (ranges_.empty()) return std::nullopt;
    auto& [offset, length] = ranges_.front();
    const std::uint64_t to_border = base::block_bytes - offset % base::block_bytes;
    const piece cut{offset, static_cast<std::size_t>(std::min(to_border, length))};
    offset += cut.bytes;
    length -= cut.bytes;
    if (length == 0) ranges_.pop_front();
    return cut;
  }

  [[nodiscard]] std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (const auto& [offset, length] : ranges_) sum += length;
    return sum;
  }

 private:
  struct range {
    std::uint64_t offset;
    std::uint64_t length;
  };
  std::deque<range> ranges_;
};

result<void> check(const v1::Get& message, const store::entry& file) {
  if (auto fine = wire::check_ranges(message); !fine) return fine;
  for (const auto& range : message.ranges()) {
    if (range.offset() > file.size_bytes || range.length() > file.size_bytes - range.offset()) {
      return fail(errc::invalid_argument, "a range ends behind the end of the file, at " +
                                              std::to_string(file.size_bytes) + " bytes");
    }
  }
  if (!message.if_identity().empty() && message.if_identity() != identity_bytes(file)) {
    return fail(errc::changed, "the file is another one by now");
  }
  return {};
}

result<std::shared_ptr<transfer::download>> open_content(transfer::downloads& downloads,
                                                         const v1::Get& message,
                                                         const base::caller_ptr& who) {
  const auto asked = base::permit<base::right::take>(who, message.path());
  if (!asked) return std::unexpected(asked.error());
  auto file = downloads.open(*asked);
  if (!file) return std::unexpected(file.error());
  if (auto fine = check(message, (*file)->info()); !fine) return std::unexpected(fine.error());
  return file;
}

v1::Content content_of(const v1::Get& message, const transfer::download& file) {
  v1::Content content;
  *content.mutable_entry() = to_wire(file.info(), plain_path(message.path()));
  return content;
}

// The frame's head goes in front of what is read right to its place.
result<void> append_block(std::vector<std::byte>& out, std::uint32_t request, const piece& next,
                          transfer::download& file) {
  const std::size_t at = out.size();
  out.resize(at + wire::block_frame_head_bytes + next.bytes);
  const auto payload = std::span(out).subspan(at + wire::block_frame_head_bytes);
  const auto digest = file.read(next.offset, payload);
  if (!digest) return std::unexpected(digest.error());
  const auto head = wire::encode_block_frame_head(request, wire::no_flags,
                                                  {.offset = next.offset, .digest = *digest},
                                                  static_cast<std::uint32_t>(next.bytes));
  if (!head) return std::unexpected(head.error());
  std::ranges::copy(*head, out.begin() + static_cast<std::ptrdiff_t>(at));
  return {};
}

result<void> append_reply(std::vector<std::byte>& out, std::uint32_t request,
                          const v1::Get& message, transfer::download& file, pieces plan) {
  const auto content = content_of(message, file);
  if (auto told = wire::append_message(out, wire::kind::content, request, wire::no_flags, content);
      !told) {
    return told;
  }
  while (const auto next = plan.next()) {
    if (auto added = append_block(out, request, *next, file); !added) return added;
  }
  return wire::append_message(out, wire::kind::content_end, request, wire::last, v1::Ok());
}

// From the page cache where the digest is on record and the bytes are there; else the pool reads
// them first, which makes the digest and fills the cache, so that sendfile on this thread does not
// wait for the disk.
awaitable<result<void>> send_piece(std::shared_ptr<session> self, std::uint32_t request,
                                   std::shared_ptr<transfer::download> file, piece next) {
  auto digest = file->recorded(next.offset, next.bytes);
  if (!digest || !file->is_cached(next.offset, next.bytes)) {
    const auto read = co_await net::on_pool(
        self->shared().pool, [&file, next] { return file->digest(next.offset, next.bytes); });
    if (!read) co_return std::unexpected(read.error());
    if (!digest) digest = *read;  // what is on record stays: so the client sees what the disk lost
  }
  self->writer().send_block(request, {.offset = next.offset, .digest = *digest},
                            net::file_piece{file, file->fd(), next.offset, next.bytes});
  self->note_sent(next.offset, next.bytes);
  co_return result<void>{};
}

awaitable<result<void>> send_large(std::shared_ptr<session> self, std::uint32_t request,
                                   std::shared_ptr<transfer::download> file, pieces plan) {
  while (const auto next = plan.next()) {
    auto room = co_await self->writer().room();
    if (!room) co_return room;
    auto sent = co_await send_piece(self, request, file, *next);
    if (!sent) co_return sent;
  }
  co_return co_await net::on_pool(self->shared().pool, [&file] { return file->check_unchanged(); });
}

}  // namespace

result<bool> append_small_reply(std::vector<std::byte>& out, std::uint32_t request,
                                const v1::Get& message, transfer::download& file) {
  if (auto fine = check(message, file.info()); !fine) return std::unexpected(fine.error());
  const pieces plan(message, file.info().size_bytes);
  if (plan.total() > small_bytes) return false;
  const std::size_t before = out.size();
  if (auto added = append_reply(out, request, message, file, plan); !added) {
    out.resize(before);
    return std::unexpected(added.error());
  }
  return true;
}

awaitable<void> answer_get(std::shared_ptr<session> self, std::uint32_t request, v1::Get message) {
  auto& shared = self->shared();
  const auto who = self->caller();
  auto found = co_await net::on_pool(shared.pool, [&shared, &message, &who] {
    return open_content(shared.downloads, message, who);
  });
  if (!found) {
    self->reply_error(request, found.error(), message.path());
    co_return;
  }
  const auto& file = *found;
  self->writer().send(wire::kind::content, request, wire::no_flags, content_of(message, *file));
  const pieces plan(message, file->info().size_bytes);
  const auto sent = co_await send_large(self, request, file, plan);
  if (!sent) {
    self->reply_error(request, sent.error(), message.path());
    co_return;
  }
  self->writer().send(wire::kind::content_end, request, wire::last, v1::Ok());
}

}  // namespace sluice::native
