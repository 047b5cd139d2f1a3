#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include "base/unique_fd.h"
#include "cli/chat_input.h"

namespace sluice::cli {
namespace {

class chat_pipe final : public chat_input {
 public:
  explicit chat_pipe(std::function<void(const std::vector<std::string>&)> shown)
      : shown_(std::move(shown)), over_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  std::optional<std::string> next() override {
    for (;;) {
      if (const auto end = read_.find('\n'); end != std::string::npos) {
        auto line = read_.substr(0, end);
        read_.erase(0, end + 1);
        return line;
      }
      if (read_.size() > line_bytes_max) read_.resize(line_bytes_max);
      if (ended_) return last();
      if (!wait()) return std::nullopt;
      take();
    }
  }

  void end() override { (void)::eventfd_write(over_.get(), 1); }
  void show(std::vector<std::string> lines) override { shown_(lines); }

 private:
  // A line that the end of the input ends.
  std::optional<std::string> last() {
    if (read_.empty()) return std::nullopt;
    return std::exchange(read_, {});
  }

  [[nodiscard]] bool wait() const {
    std::array<pollfd, 2> waits{{{STDIN_FILENO, POLLIN, 0}, {over_.get(), POLLIN, 0}}};
    while (::poll(waits.data(), waits.size(), -1) < 0) {
      if (errno != EINTR) return false;
    }
    return waits[1].revents == 0;
  }

  void take() {
    std::array<char, 4096> piece{};
    const auto got = ::read(STDIN_FILENO, piece.data(), piece.size());
    if (got > 0) {
      read_.append(piece.data(), static_cast<std::size_t>(got));
    } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
      ended_ = true;
    }
  }

  const std::function<void(const std::vector<std::string>&)> shown_;
  const base::unique_fd over_;
  std::string read_;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<chat_input> open_chat_pipe(
    std::function<void(const std::vector<std::string>&)> shown) {
  return std::make_unique<chat_pipe>(std::move(shown));
}

}  // namespace sluice::cli
