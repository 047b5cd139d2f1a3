// For programs: one object a line.
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cli/view.h"

namespace sluice::cli {

namespace {

using namespace std::chrono_literals;
using nlohmann::ordered_json;

constexpr auto shortest_pause = 100ms;
constexpr auto longest_pause = 1s;

class json_view : public view {
 public:
  json_view(bool quiet, int fd) : quiet_(quiet), fd_(fd) {}

  void progress(const client::progress& snapshot, time_point now) override {
    if (quiet_) return;
    if (!seen_ || seen_->now != snapshot.now) {
      say({{"event", "phase"}, {"phase", client::to_string(snapshot.now)}});
      told_ = {};
    }
    seen_ = snapshot;
    meter_.add(snapshot.now, snapshot.bytes_done, now);
    if (now - told_ >= shortest_pause) tell(now);
  }

  void tick(time_point now) override {
    if (seen_ && now - told_ >= longest_pause - shortest_pause) tell(now);
  }

  void make_way(bool for_good) override {
    if (for_good) seen_.reset();
  }

  void notice(std::string_view text) override {
    if (!quiet_) say({{"event", "notice"}, {"message", text}});
  }

  void done(std::string_view, const ordered_json& facts) override {
    if (quiet_) return;
    ordered_json event{{"event", "done"}};
    if (facts.is_object()) event.update(facts);
    say(event);
  }

  void failed(const failure& why) override {
    ordered_json event{{"event", "error"},
                       {"exit_code", why.exit_code},
                       {"reason", why.reason},
                       {"message", why.message}};
    if (!why.advice.empty()) event["advice"] = why.advice;
    say(event);
  }

 private:
  void say(const ordered_json& event) { put_text(fd_, json_line(event)); }

  void tell(time_point now) {
    told_ = now;
    ordered_json event{{"event", "progress"},    {"phase", client::to_string(seen_->now)},
                       {"path", seen_->path},    {"bytes", seen_->bytes_done},
                       {"bytes_total", nullptr}, {"files", seen_->files_done},
                       {"files_total", nullptr}, {"bytes_per_second", nullptr}};
    if (seen_->bytes_total) event["bytes_total"] = *seen_->bytes_total;
    if (seen_->files_total) event["files_total"] = *seen_->files_total;
    if (const auto speed = meter_.bytes_per_second(now)) {
      event["bytes_per_second"] = static_cast<std::uint64_t>(*speed);
    }
    say(event);
  }

  bool quiet_;
  int fd_;
  std::optional<client::progress> seen_;
  speed_meter meter_;
  time_point told_{};
};

}  // namespace

std::unique_ptr<view> make_json_view(bool quiet, int fd) {
  return std::make_unique<json_view>(quiet, fd);
}

}  // namespace sluice::cli
