#include "terminal.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <charconv>
#include <deque>
#include <iostream>
#include <mutex>
#include <semaphore>
#include <thread>

namespace talk {

namespace asio = sluice::asio;

struct typed_lines::shared {
  explicit shared(asio::io_context& io)
      : loop(&io), arrived(io.get_executor(), sluice::steady_timer::time_point::max()) {}

  std::counting_semaphore<64> room{64};
  std::mutex lock;  // of `loop`, which is null once nobody listens any more
  asio::io_context* loop;
  // Of the io_context's thread alone:
  std::deque<std::optional<std::string>> lines;
  sluice::steady_timer arrived;  // cancelled when a line comes
  bool ended = false;
};

namespace {

// Hands one line, or the end, to the thread of the io_context; false when that is gone.
template <class Shared>
bool hand_over(const std::shared_ptr<Shared>& shared, std::optional<std::string> line) {
  shared->room.acquire();
  const std::lock_guard hold(shared->lock);
  if (shared->loop == nullptr) return false;
  asio::post(*shared->loop, [shared, line = std::move(line)]() mutable {
    shared->lines.push_back(std::move(line));
    shared->arrived.cancel();
  });
  return true;
}

}  // namespace

typed_lines::typed_lines(asio::io_context& io) : shared_(std::make_shared<shared>(io)) {
  std::thread([shared = shared_] {
    for (std::string line; std::getline(std::cin, line);)
      if (!hand_over(shared, std::move(line))) return;
    hand_over(shared, std::nullopt);
  }).detach();
}

typed_lines::~typed_lines() {
  const std::lock_guard hold(shared_->lock);
  shared_->loop = nullptr;
}

sluice::awaitable<std::optional<std::string>> typed_lines::next() {
  while (shared_->lines.empty() && !shared_->ended)
    (void)co_await shared_->arrived.async_wait(sluice::as_tuple);
  if (shared_->ended) co_return std::nullopt;
  auto line = std::move(shared_->lines.front());
  shared_->lines.pop_front();
  shared_->room.release();
  co_return line;
}

void typed_lines::end() {
  shared_->ended = true;
  shared_->arrived.cancel();
}

void print_line(std::string_view text) {
  std::string line(text);
  std::ranges::replace_if(line, [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }, '?');
  std::cout << line + "\n" << std::flush;
}

std::optional<int> number_option(int argc, char** argv, std::string_view name) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (argv[i] != name) continue;
    const std::string_view digits = argv[i + 1];
    int value = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (read.ec == std::errc{} && read.ptr == digits.data() + digits.size()) return value;
  }
  return std::nullopt;
}

}  // namespace talk
