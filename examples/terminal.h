// What the talk programs share: lines typed on standard input, and text that is safe to show.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "sluice/awaitable.h"

namespace talk {

// The lines of standard input, whatever it is: a terminal, a pipe, a file. A thread of its own
// reads them, since a terminal can only be waited for in a way that not every other kind of input
// knows. The thread waits while 64 lines are not yet taken, and is left behind at the end of the
// program.
class typed_lines {
 public:
  explicit typed_lines(sluice::asio::io_context& io);
  ~typed_lines();
  typed_lines(const typed_lines&) = delete;
  typed_lines& operator=(const typed_lines&) = delete;

  // The next line without its end; nothing at the end of the input.
  [[nodiscard]] sluice::awaitable<std::optional<std::string>> next();

  // Has next() give nothing, now and from now on.
  void end();

 private:
  struct shared;
  std::shared_ptr<shared> shared_;
};

// One whole line on standard output, at once. Control bytes, with which a peer could play tricks on
// the terminal, become '?'.
void print_line(std::string_view text);

// The value behind `name` among the arguments (--backlog 5), or nothing.
[[nodiscard]] std::optional<int> number_option(int argc, char** argv, std::string_view name);

}  // namespace talk
