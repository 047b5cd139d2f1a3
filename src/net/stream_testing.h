// What both ends of a stream say to each other in tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "net/stream.h"

namespace sluice::net {

using bytes = std::vector<std::byte>;

inline bytes pattern(std::size_t size) {
  bytes made(size);
  for (std::size_t i = 0; i < size; ++i) made[i] = static_cast<std::byte>((i * 2654435761U) >> 13);
  return made;
}

// It runs later: `what` outlives it.
inline awaitable<void> send_all(stream& to, std::span<const std::byte> what, std::size_t piece,
                                bool ends) {
  while (!what.empty()) {
    const auto first = what.first(std::min(piece, what.size()));
    const auto second =
        what.subspan(first.size()).first(std::min(piece, what.size() - first.size()));
    const auto sent = to.send(first, second, false);
    EXPECT_TRUE(sent) << sent.error().message();
    if (!sent) co_return;
    what = what.subspan(*sent);
    if (*sent == 0) (void)co_await to.writable();
  }
  if (ends) to.end_sending();
}

awaitable<void> send_all(stream& to, bytes&& what, std::size_t piece, bool ends) = delete;

inline awaitable<void> receive_all(stream& from, std::size_t piece, bytes& into, errc& end) {
  bytes part(piece);
  for (;;) {
    const auto got = from.receive(part);
    if (!got) {
      end = got.error().code;
      co_return;
    }
    into.insert(into.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(*got));
    if (*got > 0) continue;
    if (from.begin_wait(1)) (void)co_await from.readable();
  }
}

inline awaitable<void> receive_count(stream& from, std::size_t piece, std::size_t count,
                                     bytes& into) {
  bytes part(piece);
  while (into.size() < count) {
    const auto got = from.receive(part);
    EXPECT_TRUE(got) << got.error().message();
    if (!got) co_return;
    into.insert(into.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(*got));
    if (*got == 0 && from.begin_wait(1)) (void)co_await from.readable();
  }
}

}  // namespace sluice::net
