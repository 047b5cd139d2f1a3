#include "client/remote_listing.h"

#include <fmt/format.h>

#include <deque>
#include <optional>
#include <utility>

#include "base/text.h"
#include "client/http_listing.h"
#include "client/names.h"

namespace sluice::client {
namespace {

// Frames of entries that wait to be taken; each is a quarter of a MiB at the most.
constexpr std::size_t portions_max = 3;

}  // namespace

std::unique_ptr<listing> open_listing(session& owner, url server, std::string path,
                                      bool recursive) {
  if (server.over_http) {
    return std::make_unique<http_listing>(owner, std::move(server), std::move(path), recursive);
  }
  return std::make_unique<remote_listing>(owner, std::move(server), std::move(path), recursive);
}

result<void> check_listed(const remote_entry& entry, const std::string& last) {
  if (entry.path.empty() && !entry.folder && last.empty()) return {};
  if (auto fine = check_path(entry.path); !fine) {
    return fail(errc::bad_frame, "the server lists a name that cannot be: " +
                                     base::escape_unsafe(fine.error().context));
  }
  if (!last.empty() && !path_less(last, entry.path)) {
    return fail(errc::bad_frame, "the server's listing is not in order");
  }
  return {};
}

// One LIST.
class listing_reply final : public request {
 public:
  listing_reply(const executor& where, std::string after)
      : changed_(where), last_(std::move(after)) {}

  result<void> on_message(const wire::frame_head& head, std::span<const std::byte> body) override {
    if (head.kind != wire::kind::entries) return fail(errc::bad_frame, "no ENTRIES");
    const auto told = wire::parse_message<v1::Entries>(head.kind, body);
    if (!told) return std::unexpected(told.error());
    std::vector<remote_entry> portion;
    portion.reserve(static_cast<std::size_t>(told->entries_size()));
    for (const auto& each : told->entries()) {
      auto entry = check(each);
      if (!entry) return std::unexpected(std::move(entry.error()));
      portion.push_back(std::move(*entry));
    }
    if (!portion.empty()) portions_.push_back(std::move(portion));
    ended_ = head.is_last();
    changed_.notify_all();
    return {};
  }

  void on_failed(const error& why, bool) override {
    failed_ = why;
    changed_.notify_all();
  }

  [[nodiscard]] bool is_full() const override {
    return portions_.size() >= portions_max && !failed_ && !dropped_;
  }
  awaitable<void> until_room() override {
    while (is_full()) co_await changed_.wait();
  }

  awaitable<result<std::vector<remote_entry>>> next() {
    while (portions_.empty() && !ended_ && !failed_) co_await changed_.wait();
    if (portions_.empty() && failed_) co_return std::unexpected(*failed_);
    if (portions_.empty()) co_return std::vector<remote_entry>{};
    auto first = std::move(portions_.front());
    portions_.pop_front();
    changed_.notify_all();
    co_return first;
  }

  // Nobody takes any more.
  void drop() {
    dropped_ = true;
    changed_.notify_all();
  }

 private:
  result<remote_entry> check(const v1::Entry& told) {
    auto entry = to_entry(told);
    if (!entry) return entry;
    if (auto fine = check_listed(*entry, last_); !fine) return std::unexpected(fine.error());
    last_ = entry->path;
    return entry;
  }

  net::signal changed_;
  std::deque<std::vector<remote_entry>> portions_;
  std::string last_;
  bool ended_ = false;
  bool dropped_ = false;
  std::optional<error> failed_;
};

remote_listing::remote_listing(session& owner, url server, std::string path, bool recursive)
    : session_(owner),
      server_(std::move(server)),
      path_(std::move(path)),
      recursive_(recursive),
      patient_(owner) {}

remote_listing::~remote_listing() {
  if (!reply_) return;
  reply_->drop();
  if (by_->open_requests() > 0) by_->close({.code = errc::cancelled, .context = {}});
}

awaitable<result<std::vector<remote_entry>>> remote_listing::next_of_connection() {
  if (!by_) {
    auto by = co_await session_.open(server_);
    if (!by) co_return std::unexpected(std::move(by.error()));
    by_ = std::move(*by);
    v1::List message;
    message.set_path(path_);
    message.set_recursive(recursive_);
    message.set_after(after_);
    reply_ = std::make_shared<listing_reply>(session_.where(), after_);
    by_->begin(wire::kind::list, message, reply_);
  }
  auto portion = co_await reply_->next();
  co_return portion;
}

awaitable<result<std::vector<remote_entry>>> remote_listing::next() {
  while (!ended_) {
    auto portion = co_await next_of_connection();
    if (portion) {
      patient_.progress();
      ended_ = portion->empty();
      if (ended_) {
        reply_.reset();
        session_.give_back(std::exchange(by_, nullptr));
      } else {
        after_ = portion->back().path;
      }
      co_return portion;
    }
    reply_.reset();
    by_.reset();
    const bool again = co_await patient_.once_more(portion.error());
    if (!again) co_return portion;
  }
  co_return std::vector<remote_entry>{};
}

}  // namespace sluice::client
