#include "http/output.h"

#include <algorithm>

namespace sluice::http {
namespace {

// Other connections of the thread come to their turn after so much of a fast one: about as long as
// either way of sending takes for it.
constexpr std::uint64_t plain_bytes_per_turn = std::uint64_t{8} << 20;
constexpr std::uint64_t tls_bytes_per_turn = std::uint64_t{2} << 20;

}  // namespace

awaitable<result<void>> output::wait() {
  waiting_ = true;
  auto [failed] = co_await stream_.writable();
  waiting_ = false;
  in_turn_ = 0;
  if (failed) co_return fail(errc::cancelled, "wait to send");
  co_return result<void>{};
}

result<std::size_t> output::try_send(std::string_view head, std::span<const std::byte> body,
                                     bool more) {
  const auto count = stream_.send(std::as_bytes(std::span(head)), body, more);
  if (count) sent_ += *count;
  return count;
}

awaitable<result<void>> output::send(std::string_view head, std::span<const std::byte> body,
                                     bool more) {
  while (!head.empty() || !body.empty()) {
    const auto count = try_send(head, body, more);
    if (!count) co_return std::unexpected(count.error());
    const std::size_t of_head = std::min(head.size(), *count);
    head.remove_prefix(of_head);
    body = body.subspan(*count - of_head);
    if (*count > 0) continue;
    auto ready = co_await wait();
    if (!ready) co_return ready;
  }
  co_return result<void>{};
}

result<std::uint64_t> output::try_send_file(int fd, std::uint64_t offset,
                                            std::uint64_t size_bytes) {
  const auto per_turn = stream_.is_tls() ? tls_bytes_per_turn : plain_bytes_per_turn;
  const std::uint64_t most = std::min(size_bytes, per_turn - std::min(in_turn_, per_turn));
  std::uint64_t done = 0;
  while (done < most) {
    const auto count = stream_.send_file(fd, offset + done, most - done);
    if (!count) return std::unexpected(count.error());
    if (*count == 0) break;
    sent_ += *count;
    done += *count;
    in_turn_ += *count;
  }
  return done;
}

awaitable<result<void>> output::send_file(int fd, std::uint64_t offset, std::uint64_t size_bytes) {
  while (size_bytes > 0) {
    const auto count = try_send_file(fd, offset, size_bytes);
    if (!count) co_return std::unexpected(count.error());
    offset += *count;
    size_bytes -= *count;
    if (size_bytes == 0) break;
    auto ready = co_await wait();
    if (!ready) co_return ready;
  }
  co_return result<void>{};
}

}  // namespace sluice::http
