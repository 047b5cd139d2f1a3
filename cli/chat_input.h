// Where the lines of a conversation come from: a person at a terminal, or a program.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::cli {

class chat_input {
 public:
  static constexpr std::size_t line_bytes_max = std::size_t{64} << 10;  // the rest is left away

  chat_input() = default;
  chat_input(const chat_input&) = delete;
  chat_input& operator=(const chat_input&) = delete;
  virtual ~chat_input() = default;

  // The next line, without its end. nullopt: the input is over, or `end` was called.
  [[nodiscard]] virtual std::optional<std::string> next() = 0;
  // Any thread: `next` returns soon, and waits no more.
  virtual void end() = 0;
  // Any thread: lines above the one that is being typed; escaped already.
  virtual void show(std::vector<std::string> lines) = 0;
};

// Standard input as lines; what is shown is `shown`'s.
[[nodiscard]] std::unique_ptr<chat_input> open_chat_pipe(
    std::function<void(const std::vector<std::string>&)> shown);

// A line editor on the terminal (libedit), on the thread that calls `next`. `typing` is called when
// somebody types. Null where the terminal cannot have one.
[[nodiscard]] std::unique_ptr<chat_input> open_chat_editor(std::function<void()> typing);

}  // namespace sluice::cli
