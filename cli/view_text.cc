// For people: a line that is rewritten in place on a terminal, lines now and then elsewhere.
#include <sys/ioctl.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/text.h"
#include "cli/view.h"

namespace sluice::cli {

namespace {

using namespace std::chrono_literals;

// What both have in common: whole lines, and knowing where the work stands.
class text_view : public view {
 public:
  explicit text_view(bool quiet) : quiet_(quiet), colour_(wants_colour(STDERR_FILENO)) {}

  void progress(const client::progress& snapshot, time_point now) override {
    if (!seen_ || seen_->now != snapshot.now) phase_since_ = now;
    seen_ = snapshot;
    meter_.add(snapshot.now, snapshot.bytes_done, now);
    changed_ = true;
  }

  void make_way(bool for_good) override {
    clear();
    if (for_good) seen_.reset();
  }

  void notice(std::string_view text) override {
    if (!quiet_) line(label("notice", "33"), text);
  }

  void done(std::string_view text, const nlohmann::ordered_json&) override {
    if (!quiet_ && !text.empty()) line("", text);
  }

  void failed(const failure& why) override {
    line(label("error", "1;31"), why.message);
    if (!why.advice.empty()) line(label("hint", "36"), why.advice);
  }

 protected:
  // Gives the screen's current line free for another text.
  virtual void clear() {}

  [[nodiscard]] std::string where_it_stands(time_point now, std::size_t columns) const {
    const auto in_phase = std::chrono::duration_cast<std::chrono::milliseconds>(now - phase_since_);
    return progress_line(*seen_, meter_.bytes_per_second(now), in_phase, columns);
  }

  bool quiet_;
  bool changed_ = false;
  std::optional<client::progress> seen_;
  time_point phase_since_{};

 private:
  [[nodiscard]] std::string label(std::string_view word, std::string_view colour) const {
    std::string text = "sluice: ";
    if (colour_) text.append("\x1b[").append(colour).append("m");
    text.append(word).append(":");
    if (colour_) text.append("\x1b[0m");
    return text + " ";
  }

  void line(std::string_view front, std::string_view text) {
    clear();
    put_text(STDERR_FILENO, std::string(front) + base::escape_unsafe(text) + "\n");
  }

  bool colour_;
  speed_meter meter_;
};

class terminal_view : public text_view {
 public:
  using text_view::text_view;
  ~terminal_view() override { clear(); }

  void tick(time_point now) override {
    if (quiet_ || !seen_) return;
    if (!changed_ && now - drawn_ < 500ms) return;
    put_text(STDERR_FILENO, "\r" + where_it_stands(now, columns() - 1) + "\x1b[K");
    drawn_ = now;
    changed_ = false;
    on_screen_ = true;
  }

 private:
  void clear() override {
    if (on_screen_) put_text(STDERR_FILENO, "\r\x1b[K");
    on_screen_ = false;
  }

  // Asked each time: the window may have been resized.
  static std::size_t columns() {
    struct winsize size{};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 2) return 80;
    return size.ws_col;
  }

  time_point drawn_{};
  bool on_screen_ = false;
};

// In a log: a line when the work or a new phase has lasted a second, then every ten seconds.
class lines_view : public text_view {
 public:
  using text_view::text_view;

  void tick(time_point now) override {
    if (quiet_ || !seen_) return;
    const bool new_phase = shown_ != seen_->now;
    const auto since = new_phase ? now - phase_since_ : now - told_;
    if (since < (new_phase ? 1s : 10s)) return;
    put_text(STDERR_FILENO, where_it_stands(now, 120) + "\n");
    shown_ = seen_->now;
    told_ = now;
  }

 private:
  std::optional<client::phase> shown_;
  time_point told_{};
};

}  // namespace

std::unique_ptr<view> make_terminal_view(bool quiet) {
  return std::make_unique<terminal_view>(quiet);
}

std::unique_ptr<view> make_lines_view(bool quiet) { return std::make_unique<lines_view>(quiet); }

}  // namespace sluice::cli
