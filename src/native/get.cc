// GET: content out, in blocks with their digests.
#include <algorithm>
#include <deque>

#include "native/convert.h"
#include "native/requests.h"
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

// What the pool finds out about a file that is asked for; with the content, where it is small.
struct opened {
  std::shared_ptr<transfer::download> file;
  std::vector<std::byte> content;
  std::vector<std::pair<piece, base::digest128>> blocks;  // of `content`
};

result<opened> read_small(opened found, pieces plan) {
  found.content.resize(plan.total());
  std::size_t at = 0;
  while (const auto next = plan.next()) {
    const std::span<std::byte> into = std::span(found.content).subspan(at, next->bytes);
    const auto read = found.file->read(next->offset, into);
    if (!read) return std::unexpected(read.error());
    found.blocks.emplace_back(*next, *read);
    at += next->bytes;
  }
  return found;
}

result<opened> open_content(transfer::downloads& downloads, const v1::Get& message) {
  auto file = downloads.open(message.path());
  if (!file) return std::unexpected(file.error());
  if (auto fine = check(message, (*file)->info()); !fine) return std::unexpected(fine.error());
  opened found{.file = *file, .content = {}, .blocks = {}};
  const pieces plan(message, (*file)->info().size_bytes);
  if (plan.total() > small_bytes) return found;
  return read_small(std::move(found), plan);
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

void send_small(session& self, std::uint32_t request, const std::shared_ptr<opened>& found) {
  std::size_t at = 0;
  for (const auto& [next, digest] : found->blocks) {
    self.writer().send_block(
        request, {.offset = next.offset, .digest = digest},
        net::memory_piece{found,
                          std::span<const std::byte>(found->content).subspan(at, next.bytes)});
    at += next.bytes;
  }
}

}  // namespace

awaitable<void> answer_get(std::shared_ptr<session> self, std::uint32_t request, v1::Get message) {
  auto& shared = self->shared();
  auto found = co_await net::on_pool(
      shared.pool, [&shared, &message] { return open_content(shared.downloads, message); });
  if (!found) {
    self->reply_error(request, found.error(), message.path());
    co_return;
  }
  const auto file = found->file;
  v1::Content content;
  *content.mutable_entry() = to_wire(file->info(), plain_path(message.path()));
  self->writer().send(wire::kind::content, request, wire::no_flags, content);

  const pieces plan(message, file->info().size_bytes);
  if (plan.total() <= small_bytes) {
    send_small(*self, request, std::make_shared<opened>(std::move(*found)));
  } else {
    const auto sent = co_await send_large(self, request, file, plan);
    if (!sent) {
      self->reply_error(request, sent.error(), message.path());
      co_return;
    }
  }
  self->writer().send(wire::kind::content_end, request, wire::last, v1::Ok());
}

}  // namespace sluice::native
