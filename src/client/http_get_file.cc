// The download of one file over HTTP.
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "client/blocks.h"
#include "client/file_getter.h"
#include "client/http_content.h"
#include "client/local_file.h"

namespace sluice::client {
namespace {

// From the beginning to the end, and held against the digest of the whole: what an earlier call
// left is gone on with, and if it was not the beginning of this file, all is fetched once more.
class http_getter final : public file_getter {
 public:
  using file_getter::file_getter;

 private:
  awaitable<result<bool>> is_same(int fd) override;
  awaitable<result<void>> fetch(file_outcome& outcome) override;
  awaitable<result<bool>> fetch_from(std::uint64_t offset, file_outcome& outcome);
  [[nodiscard]] result<std::uint64_t> whole_blocks_here() const;

  sha256_stream digest_;
};

// The digest of the first `size_bytes`.
result<sha256_stream> digest_file(int fd, std::uint64_t size_bytes, const session& owner) {
  sha256_stream digest;
  std::vector<std::byte> piece(base::block_bytes);
  for (std::uint64_t at = 0; at < size_bytes;) {
    if (owner.stopping()) return fail(errc::cancelled);
    const auto wanted = std::min<std::uint64_t>(piece.size(), size_bytes - at);
    const auto got = read_at(fd, std::span(piece).first(wanted), at);
    if (!got) return std::unexpected(got.error());
    if (*got < wanted) return fail(errc::changed, "it became shorter");
    digest.update(std::span(piece).first(*got));
    at += *got;
  }
  return digest;
}

awaitable<result<bool>> http_getter::is_same(int fd) {
  http_content content(session_, server_, file_);
  const auto told = co_await content.told_digest();
  if (!told) co_return std::unexpected(told.error());
  if (!*told) co_return false;
  const auto here = co_await net::on_pool(
      session_.disk(), [this, fd] { return digest_file(fd, file_.size_bytes, session_); });
  if (!here) co_return std::unexpected(here.error());
  co_return here->value() == **told;
}

// What is behind the first hole may be anything: another download writes in any order.
result<std::uint64_t> http_getter::whole_blocks_here() const {
  if (partial_.found_bytes() == 0 || file_.size_bytes == 0) return std::uint64_t{0};
  const auto hole = ::lseek(partial_.fd(), 0, SEEK_HOLE);
  if (hole < 0) return std::uint64_t{0};
  const auto end = std::min(static_cast<std::uint64_t>(hole), file_.size_bytes);
  return end == file_.size_bytes ? end : end - end % base::block_bytes;
}

// False where it is whole and not what the server has.
awaitable<result<bool>> http_getter::fetch_from(std::uint64_t offset, file_outcome& outcome) {
  session_.progress().enter(phase::receiving, name());
  http_content content(session_, server_, file_);
  const content_sink into = [this](std::uint64_t at, std::span<const std::byte> bytes) {
    return partial_.write(at, bytes);
  };
  const auto fetched = co_await content.fetch(offset, digest_, into);
  outcome.bytes_moved += content.bytes_moved();
  if (!fetched) co_return std::unexpected(fetched.error());
  session_.progress().enter(phase::verifying, name());
  const auto told = co_await content.told_digest();
  if (!told) co_return std::unexpected(told.error());
  if (*told) co_return **told == digest_.value();
  if (offset > 0) co_return false;  // nothing says that its beginning is right
  session_.progress().notice("the server tells no digest of " + file_.path + ": not verified");
  co_return true;
}

awaitable<result<void>> http_getter::fetch(file_outcome& outcome) {
  session_.progress().enter(phase::comparing, name());
  auto look = [this]() -> result<std::uint64_t> {
    const auto here = whole_blocks_here();
    auto digest =
        here ? digest_file(partial_.fd(), *here, session_) : std::unexpected(here.error());
    if (!digest) return std::unexpected(digest.error());
    digest_ = std::move(*digest);
    return here;
  };
  const auto here = co_await net::on_pool(session_.disk(), look);
  if (!here) co_return std::unexpected(here.error());
  session_.progress().moved(static_cast<std::int64_t>(*here));
  auto right = co_await fetch_from(*here, outcome);
  if (right && !*right) {
    session_.progress().moved(-static_cast<std::int64_t>(file_.size_bytes));
    outcome.blocks_repeated += blocks_of(file_.size_bytes);
    digest_ = sha256_stream();
    right = co_await fetch_from(0, outcome);
  }
  if (!right) co_return std::unexpected(right.error());
  if (*right) co_return result<void>{};
  partial_.discard();
  co_return fail(errc::bad_digest, "what arrives is not what the server says that it has");
}

}  // namespace

std::unique_ptr<file_getter> make_http_getter(session& owner, url server, remote_entry file,
                                              int folder_fd, std::string name,
                                              const get_options& options) {
  return std::make_unique<http_getter>(owner, std::move(server), std::move(file), folder_fd,
                                       std::move(name), options);
}

}  // namespace sluice::client
