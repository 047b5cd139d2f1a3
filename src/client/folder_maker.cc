#include "client/folder_maker.h"

#include <utility>

namespace sluice::client {
namespace {

constexpr std::size_t window = 256;

}  // namespace

class folder_maker::call final : public request {
 public:
  call(folder_maker& owner, v1::MakeFolder message) : owner_(owner), message_(std::move(message)) {
    ++owner_.open_;
  }

  result<void> on_message(const wire::frame_head& head, std::span<const std::byte>) override {
    if (head.kind != wire::kind::entry) return fail(errc::bad_frame, "no ENTRY");
    over();
    owner_.patient_.progress();
    return {};
  }

  void on_failed(const error& why, bool lost) override {
    over();
    if (lost) {
      owner_.again_.push_back(std::move(message_));
    } else {
      owner_.failed_.add("make the folder " + message_.path(), why);
    }
  }

 private:
  void over() {
    --owner_.open_;
    owner_.changed_.notify_all();
  }
  folder_maker& owner_;
  v1::MakeFolder message_;
};

folder_maker::folder_maker(session& owner, url server, failures& failed)
    : session_(owner),
      server_(std::move(server)),
      failed_(failed),
      patient_(owner),
      changed_(owner.where()) {}

void folder_maker::send(const v1::MakeFolder& message) {
  auto waiting = std::make_shared<call>(*this, message);
  by_->begin(wire::kind::make_folder, message, std::move(waiting));
}

// Waits until so few are open, with a new connection where it is lost.
awaitable<result<void>> folder_maker::at_most(std::size_t count) {
  for (;;) {
    if (session_.stopping()) co_return fail(errc::cancelled);
    if (by_ && !by_->lost() && again_.empty()) {
      if (open_ <= count) co_return result<void>{};
      co_await changed_.wait();
      continue;
    }
    error why;
    if (by_ && by_->lost()) {
      why = by_->why();
      by_.reset();
      const bool more = co_await patient_.once_more(why);
      if (!more) co_return std::unexpected(std::move(why));
    }
    if (!by_) {
      auto by = co_await session_.open(server_);
      if (!by) {
        const bool more = co_await patient_.once_more(by.error());
        if (!more) co_return std::unexpected(std::move(by.error()));
        continue;
      }
      by_ = std::move(*by);
    }
    for (const auto& message : std::exchange(again_, {})) send(message);
  }
}

awaitable<result<void>> folder_maker::make(std::string path, std::optional<std::int64_t> mtime_ns) {
  auto room = co_await at_most(window - 1);
  if (!room) co_return room;
  v1::MakeFolder message;
  message.set_path(std::move(path));
  message.set_parents(true);
  message.set_may_exist(true);
  if (mtime_ns) message.set_mtime_ns(*mtime_ns);
  send(message);
  co_return result<void>{};
}

awaitable<result<void>> folder_maker::all_done() {
  if (!by_) co_return result<void>{};
  auto done = co_await at_most(0);
  co_return done;
}

}  // namespace sluice::client
