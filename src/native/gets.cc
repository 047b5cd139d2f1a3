#include "native/gets.h"

#include <iterator>
#include <utility>

#include "native/get_reply.h"
#include "net/on_pool.h"
#include "wire/error_message.h"

namespace sluice::native {
namespace {

constexpr std::size_t batches_max = 2;
constexpr std::size_t batch_files = 64;
constexpr std::size_t large_at_a_time = 8;
// Content of one batch; and what may wait in memory for the peer before more is read.
constexpr std::size_t batch_bytes = std::size_t{1} << 20;

std::uint64_t asked_bytes(const v1::Get& message, const transfer::download& file) {
  std::uint64_t sum = message.ranges().empty() ? file.info().size_bytes : 0;
  for (const auto& range : message.ranges()) sum += range.length();
  return sum;
}

}  // namespace

awaitable<void> gets::begin(std::uint32_t request, v1::Get message) {
  ++open_;
  gathered_.push_back({.request = request, .message = std::move(message)});
  if (gathered_.size() < batch_files) co_return;
  while (batches_ >= batches_max) co_await session_.changed().wait();
  // Where the writer failed the session ends by that, and not by what is still open.
  static_cast<void>(co_await session_.writer().room(batch_bytes));
  flush();
}

void gets::flush() {
  if (gathered_.empty() || batches_ >= batches_max) return;
  std::vector<asked> files(std::make_move_iterator(gathered_.begin()),
                           std::make_move_iterator(gathered_.end()));
  gathered_.clear();
  ++batches_;
  session_.start(run(session_.shared_from_this(), *this, std::move(files)));
}

awaitable<void> gets::run(std::shared_ptr<session> keep, gets& self, std::vector<asked> files) {
  const auto count = files.size();
  auto& shared = keep->shared();
  const auto who = keep->caller();
  auto work = [&shared, &files, &who] { return answer_all(shared, who, std::move(files)); };
  auto done = co_await net::on_pool(shared.pool, work);
  --self.batches_;
  self.open_ -= count - done.large.size() - done.left.size();
  keep->note_sent(0, done.content_bytes);
  const auto frames = shared.reply_room.lend(std::move(done.frames));
  keep->writer().send_frames(net::memory_piece{frames, *frames});
  for (auto left = done.left.rbegin(); left != done.left.rend(); ++left) {
    self.gathered_.push_front(std::move(*left));
  }
  for (auto& one : done.large) self.large_.push_back(std::move(one));
  while (self.large_running_ < std::min(large_at_a_time, self.large_.size())) {
    ++self.large_running_;
    keep->start(run_large(keep, self));
  }
  self.flush();
}

// Until there are no more.
awaitable<void> gets::run_large(std::shared_ptr<session> keep, gets& self) {
  while (!self.large_.empty()) {
    auto next = std::move(self.large_.front());
    self.large_.pop_front();
    co_await answer_get(keep, next.request, std::move(next.message));
    --self.open_;
  }
  --self.large_running_;
}

// Each in its place: opened, or why not.
std::vector<result<std::shared_ptr<transfer::download>>> gets::open_all(
    transfer::downloads& from, const base::caller_ptr& who, const std::vector<asked>& files) {
  std::vector<result<std::shared_ptr<transfer::download>>> opened(files.size());
  std::vector<transfer::downloads::allowed> allowed;
  std::vector<std::size_t> places;
  allowed.reserve(files.size());
  places.reserve(files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    auto asked_for = base::permit<base::right::take>(who, files[i].message.path());
    if (asked_for) {
      allowed.push_back(std::move(*asked_for));
      places.push_back(i);
    } else {
      opened[i] = std::unexpected(std::move(asked_for.error()));
    }
  }
  auto found = from.open(allowed);
  for (std::size_t i = 0; i < found.size(); ++i) opened[places[i]] = std::move(found[i]);
  return opened;
}

// On a thread of the pool.
gets::answer gets::answer_all(service& shared, const base::caller_ptr& who,
                              std::vector<asked> files) {
  const auto opened = open_all(shared.downloads, who, files);
  answer done{.frames = shared.reply_room.take(), .large = {}, .left = {}};
  for (std::size_t i = 0; i < files.size(); ++i) {
    auto& [request, message] = files[i];
    if (done.frames.size() >= batch_bytes) {
      done.left.push_back(std::move(files[i]));
      continue;
    }
    result<bool> replied = false;
    if (opened[i]) {
      replied = append_small_reply(done.frames, request, message, **opened[i]);
      if (replied && *replied) done.content_bytes += asked_bytes(message, **opened[i]);
    } else {
      replied = std::unexpected(opened[i].error());
    }
    if (!replied) {
      wire::append_error(done.frames, request, replied.error(), message.path());
    } else if (!*replied) {
      done.large.push_back(std::move(files[i]));
    }
  }
  return done;
}

}  // namespace sluice::native
