#include "client/http_content.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "client/http_link.h"
#include "client/output_pipe.h"
#include "net/buffers.h"

namespace sluice::client {
namespace {

// A server that reads the whole file for its digest does so at least this fast.
constexpr std::uint64_t digest_rate = 50'000'000;

std::string target_of(const remote_entry& file) { return "/files/" + encode_path(file.path); }

// Whether the answer begins where it was asked to, with the content that was asked for.
result<void> check_answer(const http_link& by, const remote_entry& file, std::uint64_t offset) {
  if (by.field("ETag") != file.identity) return fail(errc::changed, "it is another file by now");
  const auto range = by.field("Content-Range");
  const auto wanted = fmt::format("bytes {}-{}/{}", offset, file.size_bytes - 1, file.size_bytes);
  if (offset == 0 ? range.empty() : range == wanted) return {};
  return fail(errc::bad_frame, "the server sends another part of it than was asked for");
}

awaitable<result<std::size_t>> fill(http_link& by, std::span<std::byte> into) {
  std::size_t filled = 0;
  while (filled < into.size()) {
    const auto got = co_await by.read_some(into.subspan(filled));
    if (!got) co_return got;
    if (*got == 0) break;
    filled += *got;
  }
  co_return filled;
}

}  // namespace

awaitable<result<void>> http_content::fetch_once(std::uint64_t& offset, sha256_stream& digest,
                                                 const content_sink& into) {
  const auto by = co_await http_link::open(session_, server_);
  if (!by) co_return std::unexpected(by.error());
  const std::string fields =
      offset == 0 ? std::string()
                  : fmt::format("Range: bytes={}-\r\nIf-Range: {}\r\n", offset, file_.identity);
  const std::string target = target_of(file_);
  const auto asked = co_await (*by)->get(target, fields);
  if (!asked) co_return asked;
  const auto right = check_answer(**by, file_, offset);
  if (!right) co_return right;
  while (offset < file_.size_bytes) {
    auto buffer = co_await net::acquire(session_.buffers());
    if (!buffer) co_return std::unexpected(std::move(buffer.error()));
    const auto wanted = std::min<std::uint64_t>(base::block_bytes - offset % base::block_bytes,
                                                file_.size_bytes - offset);
    const auto bytes = buffer->bytes().first(wanted);
    const auto got = co_await fill(**by, bytes);
    if (!got) co_return std::unexpected(got.error());
    if (*got < wanted) co_return fail(errc::broken_stream, "the content ended early");
    const auto taken = co_await net::on_pool(session_.disk(), [&digest, &into, bytes, offset] {
      digest.update(bytes);
      return into(offset, bytes);
    });
    if (!taken) co_return taken;
    offset += wanted;
    bytes_moved_ += wanted;
    session_.progress().moved(static_cast<std::int64_t>(wanted));
  }
  co_return result<void>{};
}

awaitable<result<void>> http_content::fetch(std::uint64_t offset, sha256_stream& digest,
                                            const content_sink& into) {
  patience patient(session_);
  while (offset < file_.size_bytes) {
    const auto before = offset;
    const auto fetched = co_await fetch_once(offset, digest, into);
    if (fetched) break;
    if (offset > before) patient.progress();
    const bool again = co_await patient.once_more(fetched.error());
    if (!again) co_return fetched;
  }
  co_return result<void>{};
}

awaitable<result<std::optional<sha256_value>>> http_content::told_digest() {
  patience patient(session_);
  for (;;) {
    auto by = co_await http_link::open(session_, server_);
    result<void> asked = by ? result<void>() : std::unexpected(by.error());
    if (by) {
      const std::uint64_t seconds = file_.size_bytes / digest_rate;
      (*by)->bear(session_.timeout() + std::chrono::seconds(seconds));
      const std::string target = target_of(file_);
      const std::string fields =
          fmt::format("Want-Repr-Digest: sha-256=1\r\nIf-Match: {}\r\n", file_.identity);
      asked = co_await (*by)->head(target, fields);
    }
    if (asked) co_return parse_repr_digest((*by)->field("Repr-Digest"));
    const bool again = co_await patient.once_more(asked.error());
    if (!again) co_return std::unexpected(asked.error());
  }
}

awaitable<result<std::uint64_t>> http_to_output(session& owner, const url& server,
                                                const remote_entry& file, int fd) {
  owner.progress().enter(phase::receiving, file.path);
  http_content content(owner, server, file);
  sha256_stream digest;
  const content_sink into = [fd, &owner](std::uint64_t, std::span<const std::byte> bytes) {
    return write_out(fd, bytes, owner);
  };
  const auto fetched = co_await content.fetch(0, digest, into);
  if (!fetched) co_return std::unexpected(fetched.error());
  owner.progress().enter(phase::verifying, file.path);
  const auto told = co_await content.told_digest();
  if (!told) co_return std::unexpected(told.error());
  if (!*told)
    owner.progress().notice("the server tells no digest of " + file.path + ": not verified");
  if (*told && **told != digest.value()) {
    co_return fail(errc::bad_digest, "what was written out is not what the server has");
  }
  co_return content.bytes_moved();
}

}  // namespace sluice::client
