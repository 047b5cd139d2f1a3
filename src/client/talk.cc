#include "client/talk.h"

#include <sys/random.h>

#include <array>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <deque>
#include <stdexcept>

#include "base/bytes.h"
#include "client/names.h"
#include "client/requests.h"
#include "client/silent_observer.h"
#include "client/talk_convert.h"
#include "client/talk_read.h"

namespace sluice::client {
namespace {

constexpr std::chrono::milliseconds pause_when_told_slower{250};
constexpr std::chrono::milliseconds pause_max{4'000};

// About a minute: a server that restarts is there again by then.
retry_policy tries() {
  retry_policy policy;
  policy.pauses.insert(policy.pauses.end(), 12, pause_max);
  return policy;
}

// 128 random bits: nobody else makes the same.
std::string random_nonce() {
  std::array<std::byte, 16> bits{};
  if (::getrandom(bits.data(), bits.size(), 0) != static_cast<ssize_t>(bits.size())) {
    throw std::runtime_error("no random bits");
  }
  return base::to_hex(bits);
}

struct wish_under_way {
  talk_wish what;
  std::string nonce;  // the same with every try
};

}  // namespace

// What other threads have given; shared with the wake-ups that are on their way.
struct conversation::waiting {
  std::mutex mutex;
  std::condition_variable room;
  std::deque<wish_under_way> wishes;
  bool typing = false;
  bool finishing = false;
  bool over = false;
  std::function<void()> wake;  // while it runs

  void nudge() {
    if (wake) wake();
  }
};

// One run of it, on one session.
class conversation::work {
 public:
  work(conversation& of, session& owner)
      : of_(of),
        owner_(owner),
        path_(without_slash(of.room_.path)),
        changed_(owner.where()),
        alive_(std::make_shared<work*>(this)) {}

  awaitable<result<void>> run();

  [[nodiscard]] std::function<void()> waker() {
    return [where = owner_.where(), weak = std::weak_ptr<work*>(alive_)] {
      asio::post(where, [weak] {
        if (const auto there = weak.lock()) (*there)->changed_.notify_all();
      });
    };
  }

  // Of the reply to the JOIN.
  void hear(const v1::TalkNews& told);
  void joined_over(std::optional<error> why) {
    join_ended_ = true;
    join_failure_ = std::move(why);
    changed_.notify_all();
  }

 private:
  awaitable<result<void>> one_connection(std::shared_ptr<connection> by);
  awaitable<result<void>> read_history(std::shared_ptr<connection> by);
  void join(connection& by);
  awaitable<result<void>> do_wishes(std::shared_ptr<connection> by);
  awaitable<result<void>> do_first(std::shared_ptr<connection> by, wish_under_way wish);
  awaitable<result<void>> ask_for(std::shared_ptr<connection> by, wish_under_way wish);
  void done_with_first();
  void tell(const v1::TalkMessage& told);
  [[nodiscard]] std::optional<wish_under_way> first();
  [[nodiscard]] bool is_finished();
  void tell_typing(connection& by);
  awaitable<bool> once_more(error why, patience& pauses);

  conversation& of_;
  session& owner_;
  std::string path_;  // the room may move
  net::signal changed_;
  std::shared_ptr<work*> alive_;
  std::uint64_t version_ = 0;  // all up to it was told
  bool has_history_ = false;
  bool join_ended_ = false;
  bool is_joined_ = false;
  std::optional<error> join_failure_;
};

namespace {

// The news of a room, as long as it is joined.
template <class Room>
class join_reply final : public request {
 public:
  explicit join_reply(std::weak_ptr<Room*> room) : room_(std::move(room)) {}

  result<void> on_message(const wire::frame_head& head, std::span<const std::byte> body) override {
    if (head.kind != wire::kind::talk_news) return fail(errc::bad_frame, "no TALK_NEWS");
    const auto told = wire::parse_message<v1::TalkNews>(head.kind, body);
    if (!told) return std::unexpected(told.error());
    const auto room = room_.lock();
    if (!room) return {};
    (*room)->hear(*told);
    if (!head.is_last()) return {};
    if (told->what() == v1::TALK_MISSED) {
      (*room)->joined_over(std::nullopt);
    } else {
      (*room)->joined_over(error{errc::not_allowed, told->name()});
    }
    return {};
  }

  void on_failed(const error& why, bool) override {
    if (const auto room = room_.lock()) (*room)->joined_over(why);
  }

 private:
  std::weak_ptr<Room*> room_;
};

}  // namespace

void conversation::work::hear(const v1::TalkNews& told) {
  auto& watcher = of_.watcher_;
  switch (told.what()) {
    case v1::TALK_MESSAGES:
      for (const auto& each : told.messages()) tell(each);
      return;
    case v1::TALK_JOINED:
    case v1::TALK_HERE: {
      is_joined_ = true;
      changed_.notify_all();
      std::vector<talk_person> some;
      for (const auto& each : told.people()) some.push_back({each.name(), each.guest()});
      return watcher.on_people(some, told.count());
    }
    case v1::TALK_TYPES: return watcher.on_typing(told.name());
    case v1::TALK_MOVED: path_ = told.name(); return watcher.on_moved(path_);
    default: return;
  }
}

// At least once is how they come.
void conversation::work::tell(const v1::TalkMessage& told) {
  if (told.version() <= version_) return;
  version_ = told.version();
  of_.watcher_.on_message(to_message(told));
}

awaitable<result<void>> conversation::work::run() {
  owner_.set_retries(tries());
  patience pauses(owner_);
  bool was_there = false;
  for (;;) {
    error why;
    auto by = co_await owner_.open(of_.room_);
    if (by) {
      if (was_there) of_.watcher_.on_back();
      pauses.progress();
      auto ended = co_await one_connection(*by);
      if (ended || !(*by)->lost()) co_return ended;
      why = ended.error();
      if (!owner_.stopping() && is_of_connection(why)) of_.watcher_.on_lost(why);
      was_there = has_history_;
    } else {
      why = by.error();
      // A server that was never there is not waited for.
      if (!has_history_) co_return std::unexpected(why);
    }
    auto trying = once_more(why, pauses);
    const bool again = co_await std::move(trying);
    if (!again) co_return std::unexpected(why);
  }
}

awaitable<bool> conversation::work::once_more(error why, patience& pauses) {
  if (!of_.options_.comes_again) {
    const bool again = co_await pauses.once_more(std::move(why));
    co_return again;
  }
  if (!is_of_connection(why) || owner_.stopping()) co_return false;
  co_await owner_.rest(pause_max / 8);
  co_return !owner_.stopping();
}

awaitable<result<void>> conversation::work::one_connection(std::shared_ptr<connection> by) {
  const auto able = check_talks(*by, of_.room_);
  if (!able) co_return able;
  if (!has_history_) {
    const auto read = co_await read_history(by);
    if (!read) co_return read;
    has_history_ = true;
  }
  join(*by);
  for (;;) {
    if (join_ended_) {
      if (join_failure_) co_return std::unexpected(*join_failure_);
      join(*by);
    }
    if (is_joined_) {
      const auto did = co_await do_wishes(by);
      if (!did) co_return did;
      tell_typing(*by);
      if (is_finished()) co_return result<void>{};
    }
    if (!join_ended_) co_await changed_.wait();
  }
}

awaitable<result<void>> conversation::work::read_history(std::shared_ptr<connection> by) {
  v1::TalkRead asked;
  asked.set_path(path_);
  asked.set_limit(static_cast<std::uint32_t>(std::max<std::uint64_t>(of_.options_.history, 1)));
  const auto page = co_await read_page(by, asked);
  if (!page) {
    co_return std::unexpected(about(page.error(), "join the conversation in " + of_.room_.text()));
  }
  for (const auto& each : page->messages()) {
    if (of_.options_.history > 0) of_.watcher_.on_message(to_message(each));
  }
  version_ = page->version();
  co_return result<void>{};
}

void conversation::work::join(connection& by) {
  join_ended_ = is_joined_ = false;
  join_failure_.reset();
  v1::TalkJoin message;
  message.set_path(path_);
  message.set_name(of_.options_.name);
  message.set_after_version(version_);
  by.begin(wire::kind::talk_join, message, std::make_shared<join_reply<work>>(alive_));
}

std::optional<wish_under_way> conversation::work::first() {
  auto& waits = *of_.waiting_;
  const std::lock_guard lock(waits.mutex);
  if (waits.wishes.empty()) return std::nullopt;
  return waits.wishes.front();
}

void conversation::work::done_with_first() {
  auto& waits = *of_.waiting_;
  {
    const std::lock_guard lock(waits.mutex);
    waits.wishes.pop_front();
  }
  waits.room.notify_all();
}

bool conversation::work::is_finished() {
  auto& waits = *of_.waiting_;
  const std::lock_guard lock(waits.mutex);
  return waits.finishing && waits.wishes.empty();
}

void conversation::work::tell_typing(connection& by) {
  auto& waits = *of_.waiting_;
  {
    const std::lock_guard lock(waits.mutex);
    if (!std::exchange(waits.typing, false)) return;
  }
  v1::TalkTyping message;
  message.set_path(path_);
  by.begin(wire::kind::talk_typing, message,
           std::make_shared<single_reply>(owner_.where(), wire::kind::ok));
}

// One after the other, so that they are said in their order.
awaitable<result<void>> conversation::work::do_wishes(std::shared_ptr<connection> by) {
  while (const auto wish = first()) {
    auto doing = do_first(by, *wish);
    const auto did = co_await std::move(doing);
    if (!did) co_return did;
  }
  co_return result<void>{};
}

// Fails where the connection does: the wish stays the first one then, with its nonce.
awaitable<result<void>> conversation::work::do_first(std::shared_ptr<connection> by,
                                                     wish_under_way wish) {
  for (;;) {
    auto asking = ask_for(by, wish);
    const auto answer = co_await std::move(asking);
    if (!answer && by->lost()) co_return answer;
    if (!answer && answer.error().code == errc::busy) {
      co_await owner_.rest(pause_when_told_slower);
      continue;
    }
    if (!answer) of_.watcher_.on_refused(wish.what, answer.error());
    done_with_first();
    co_return result<void>{};
  }
}

awaitable<result<void>> conversation::work::ask_for(std::shared_ptr<connection> by,
                                                    wish_under_way wish) {
  const auto waiting = std::make_shared<single_reply>(owner_.where(), wire::kind::talk_said);
  if (wish.what.resolve) {
    v1::TalkAmend message;
    message.set_path(path_);
    message.set_id(*wish.what.resolve);
    message.set_resolved(true);
    by->begin(wire::kind::talk_amend, message, waiting);
  } else {
    v1::TalkSay message;
    message.set_path(path_);
    message.set_text(wish.what.text);
    if (wish.what.at_ms) message.set_at_ms(*wish.what.at_ms);
    if (wish.what.reply_to) message.set_reply_to(*wish.what.reply_to);
    message.set_nonce(wish.nonce);
    by->begin(wire::kind::talk_say, message, waiting);
  }
  const auto body = co_await waiting->body();
  if (!body) co_return std::unexpected(body.error());
  co_return result<void>{};
}

conversation::conversation(url room, talk_options options, talk_observer& watcher)
    : room_(std::move(room)),
      options_(std::move(options)),
      watcher_(watcher),
      waiting_(std::make_shared<waiting>()) {}

conversation::~conversation() = default;

result<void> conversation::run() {
  silent_observer nobody;
  session owner(options_, nobody);
  work all(*this, owner);
  {
    const std::lock_guard lock(waiting_->mutex);
    waiting_->wake = all.waker();
  }
  auto outcome = owner.run(all.run());
  {
    const std::lock_guard lock(waiting_->mutex);
    waiting_->wake = nullptr;
    waiting_->over = true;
  }
  waiting_->room.notify_all();
  return outcome;
}

void conversation::add(talk_wish wish) {
  std::unique_lock lock(waiting_->mutex);
  waiting_->room.wait(lock,
                      [this] { return waiting_->wishes.size() < waiting_max || waiting_->over; });
  if (waiting_->over) return;
  waiting_->wishes.push_back({std::move(wish), random_nonce()});
  waiting_->nudge();
}

void conversation::say_typing() {
  const std::lock_guard lock(waiting_->mutex);
  waiting_->typing = true;
  waiting_->nudge();
}

void conversation::finish() {
  const std::lock_guard lock(waiting_->mutex);
  waiting_->finishing = true;
  waiting_->nudge();
}

}  // namespace sluice::client
