// How a command's news looks: on a terminal, in a log, as JSON, or not at all.
#pragma once

#include <chrono>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "cli/command.h"
#include "cli/progress_line.h"
#include "client/observer.h"

namespace sluice::cli {

// The end of a command that failed, in words.
struct failure {
  int exit_code;
  std::string_view reason;   // the kind of failure, a short phrase
  std::string_view message;  // what was attempted, on what, what went wrong
  std::string_view advice;   // what to do next; may be empty
};

// One of these shows everything that a command has to say beside its results. Calls come one at a
// time. Texts are as they came from elsewhere: the view makes them safe to show.
class view {
 public:
  view() = default;
  view(const view&) = delete;
  view& operator=(const view&) = delete;
  virtual ~view() = default;

  virtual void progress(const client::progress& snapshot, time_point now) = 0;
  // About ten times a second while the command runs.
  virtual void tick(time_point now) = 0;
  // A line is about to be written where progress may be shown. `for_good`: results have begun, and
  // what was told of progress before is over.
  virtual void make_way(bool for_good) = 0;
  virtual void notice(std::string_view text) = 0;
  // `text` is for people, `facts` (an object) for programs.
  virtual void done(std::string_view text, const nlohmann::ordered_json& facts) = 0;
  virtual void failed(const failure& why) = 0;
};

// The view that fits the flags and standard error. With `stdout_is_content`, standard output
// carries a file, and JSON goes to standard error.
[[nodiscard]] std::unique_ptr<view> make_view(const output_flags& flags, bool stdout_is_content);

[[nodiscard]] std::unique_ptr<view> make_terminal_view(bool quiet);
[[nodiscard]] std::unique_ptr<view> make_lines_view(bool quiet);
[[nodiscard]] std::unique_ptr<view> make_json_view(bool quiet, int fd);

// True when escape sequences for colour are welcome on the descriptor (no-color.org).
[[nodiscard]] bool wants_colour(int fd);
// False also for TERM=dumb.
[[nodiscard]] bool is_terminal(int fd);

// One object a line, in ASCII: nothing in it acts on a terminal.
[[nodiscard]] std::string json_line(const nlohmann::ordered_json& value);

// Writes all of `text` with one call where the system takes it; what fails is dropped.
void put_text(int fd, std::string_view text) noexcept;

}  // namespace sluice::cli
