#include "client/talk_read.h"

#include <algorithm>

#include "client/names.h"
#include "client/requests.h"
#include "client/silent_observer.h"
#include "client/talk_convert.h"

namespace sluice::client {
namespace {

constexpr std::uint32_t page_messages = 500;

class page_reply final : public request {
 public:
  explicit page_reply(const executor& where) : over_(where) {}

  result<void> on_message(const wire::frame_head& head, std::span<const std::byte> body) override {
    if (head.kind != wire::kind::talk_page) return fail(errc::bad_frame, "no TALK_PAGE");
    const auto told = wire::parse_message<v1::TalkPage>(head.kind, body);
    if (!told) return std::unexpected(told.error());
    page_.MergeFrom(*told);
    if (page_.messages_size() > static_cast<int>(page_messages)) {
      return fail(errc::bad_frame, "a page of more messages than were asked for");
    }
    if (head.is_last()) end({});
    return {};
  }
  void on_failed(const error& why, bool) override { end(std::unexpected(why)); }

  awaitable<result<v1::TalkPage>> over() {
    while (!outcome_) co_await over_.wait();
    if (!*outcome_) co_return std::unexpected(outcome_->error());
    co_return std::move(page_);
  }

 private:
  void end(result<void> outcome) {
    outcome_ = std::move(outcome);
    over_.notify_all();
  }

  net::signal over_;
  v1::TalkPage page_;
  std::optional<result<void>> outcome_;
};

// From the newest page to the oldest.
awaitable<result<std::vector<talk_message>>> read_all(session& owner, url room) {
  const std::string doing = "read what was said about " + room.text();
  auto by = co_await owner.open(room);
  if (!by) co_return std::unexpected(about(by.error(), doing));
  const auto able = check_talks(**by, room);
  if (!able) co_return std::unexpected(able.error());
  std::vector<talk_message> all;
  v1::TalkRead asked;
  asked.set_path(std::string(without_slash(room.path)));
  asked.set_limit(page_messages);
  for (;;) {
    const auto page = co_await read_page(*by, asked);
    if (!page) co_return std::unexpected(about(page.error(), doing));
    for (int i = page->messages_size(); i-- > 0;) {
      if (!page->messages(i).deleted()) all.push_back(to_message(page->messages(i)));
    }
    if (!page->more() || page->messages().empty()) break;
    asked.set_before(page->messages(0).id());
  }
  std::ranges::reverse(all);
  co_return all;
}

}  // namespace

awaitable<result<v1::TalkPage>> read_page(std::shared_ptr<connection> of, v1::TalkRead asked) {
  const auto reply = std::make_shared<page_reply>(of->owner().where());
  of->begin(wire::kind::talk_read, asked, reply);
  auto page = co_await reply->over();
  co_return page;
}

result<void> check_talks(const connection& with, const url& room) {
  if (with.has("talk")) return {};
  return fail(errc::unsupported,
              "talk in " + room.text() + ": this server is too old to know conversations");
}

result<std::vector<talk_message>> read_conversation(const url& room,
                                                    const session_options& options) {
  silent_observer nobody;
  session work(options, nobody);
  return work.run(read_all(work, room));
}

}  // namespace sluice::client
