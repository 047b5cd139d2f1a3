#include <histedit.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cwchar>
#include <mutex>

#include "base/text.h"
#include "base/unique_fd.h"
#include "cli/chat_input.h"
#include "cli/view.h"

namespace sluice::cli {
namespace {

constexpr int history_max = 200;
const wchar_t* prompt(EditLine*) { return L"> "; }
constexpr std::size_t prompt_columns = 2;

std::size_t columns_of_terminal() {
  winsize size{};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

// libedit asks for one character at a time; while none is there, what came in is shown above.
class chat_editor final : public chat_input {
 public:
  explicit chat_editor(std::function<void()> typing)
      : typing_(std::move(typing)),
        wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        history_(::history_winit()),
        line_(::el_init("sluice", stdin, stdout, stderr)) {
    if (line_ == nullptr || history_ == nullptr) return;
    HistEventW event{};
    ::history_w(history_, &event, H_SETSIZE, history_max);
    ::history_w(history_, &event, H_SETUNIQUE, 1);
    ::el_wset(line_, EL_CLIENTDATA, this);
    ::el_wset(line_, EL_PROMPT, prompt);
    ::el_wset(line_, EL_EDITOR, L"emacs");
    ::el_wset(line_, EL_HIST, history_w, history_);
    ::el_wset(line_, EL_GETCFN, read_character);
  }

  ~chat_editor() override {
    put_text(STDOUT_FILENO, waiting_);  // what came in last
    if (line_ != nullptr) ::el_end(line_);
    if (history_ != nullptr) ::history_wend(history_);
  }
  chat_editor(const chat_editor&) = delete;
  chat_editor& operator=(const chat_editor&) = delete;

  [[nodiscard]] bool is_open() const noexcept { return line_ != nullptr && history_ != nullptr; }

  std::optional<std::string> next() override {
    int count = 0;
    const wchar_t* typed = ::el_wgets(line_, &count);
    if (typed == nullptr || count <= 0) return std::nullopt;
    std::wstring line(typed, static_cast<std::size_t>(count));
    while (!line.empty() && line.back() == L'\n') line.pop_back();
    take_back(line);
    if (line.empty()) return "";
    HistEventW event{};
    ::history_w(history_, &event, H_ENTER, line.c_str());
    return narrow(line);
  }

  void end() override {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    (void)::eventfd_write(wake_.get(), 1);
  }

  void show(std::vector<std::string> lines) override {
    {
      const std::lock_guard lock(mutex_);
      for (auto& each : lines) waiting_ += std::move(each) + "\n";
    }
    (void)::eventfd_write(wake_.get(), 1);
  }

 private:
  static int read_character(EditLine* line, wchar_t* into) {
    void* self = nullptr;
    ::el_wget(line, EL_CLIENTDATA, &self);
    return static_cast<chat_editor*>(self)->next_character(*into);
  }

  // 1: a character; 0: the end.
  int next_character(wchar_t& into) {
    for (;;) {
      if (!show_waiting()) return 0;
      std::array<pollfd, 2> waits{{{STDIN_FILENO, POLLIN, 0}, {wake_.get(), POLLIN, 0}}};
      if (::poll(waits.data(), waits.size(), -1) < 0) {
        if (errno != EINTR) return 0;
        continue;
      }
      if (waits[1].revents != 0) {
        eventfd_t times = 0;
        (void)::eventfd_read(wake_.get(), &times);
        continue;
      }
      char byte = 0;
      const auto got = ::read(STDIN_FILENO, &byte, 1);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return 0;
      if (const auto found = decode(byte)) {
        into = *found;
        typing_();
        return 1;
      }
    }
  }

  // The character that the bytes so far are; those that are none are left away.
  std::optional<wchar_t> decode(char byte) {
    bytes_ += byte;
    std::string_view left = bytes_;
    if (const auto point = base::take_code_point(left)) {
      bytes_.clear();
      return static_cast<wchar_t>(*point);
    }
    if (bytes_.size() >= 4) bytes_.clear();
    return std::nullopt;
  }

  // False once it is over.
  bool show_waiting() {
    std::string text;
    bool over = false;
    {
      const std::lock_guard lock(mutex_);
      text.swap(waiting_);
      over = over_;
    }
    if (!text.empty()) {
      put_text(STDOUT_FILENO, clearing(typed_columns()) + text);
      if (!over) ::el_wset(line_, EL_REFRESH);
    }
    if (over) put_text(STDOUT_FILENO, text.empty() ? clearing(typed_columns()) : "");
    return !over;
  }

  // Of the prompt and of what is typed up to the cursor. It may take several rows.
  [[nodiscard]] std::size_t typed_columns() const {
    const auto* now = ::el_wline(line_);
    std::size_t columns = prompt_columns;
    if (now == nullptr) return columns;
    for (const auto* each = now->buffer; each < now->cursor; ++each) columns += width_of(*each);
    return columns;
  }

  static std::size_t width_of(wchar_t c) {
    const int width = ::wcwidth(c);
    return width < 0 ? 2 : static_cast<std::size_t>(width);  // controls are shown as ^X
  }

  // From the cursor, so many columns behind the beginning of the line, to there; all behind it
  // goes.
  static std::string clearing(std::size_t columns) {
    const auto rows = columns / columns_of_terminal();
    return "\r" + (rows > 0 ? "\033[" + std::to_string(rows) + "A" : "") + "\033[J";
  }

  // What was typed comes back as a message of the room: it is not to stand there twice.
  static void take_back(const std::wstring& line) {
    std::size_t columns = prompt_columns;
    for (const wchar_t c : line) columns += width_of(c);
    const auto rows = columns / columns_of_terminal() + 1;  // the end of the line went down one
    put_text(STDOUT_FILENO, "\r\033[" + std::to_string(rows) + "A\033[J");
  }

  static std::string narrow(const std::wstring& wide) {
    std::string text;
    for (const wchar_t c : wide) append(text, static_cast<char32_t>(c));
    return text;
  }

  static void append(std::string& text, char32_t c) {
    const auto more = [&text, c](unsigned shift) {
      text += static_cast<char>(0x80 | ((c >> shift) & 0x3F));
    };
    if (c < 0x80) {
      text += static_cast<char>(c);
    } else if (c < 0x800) {
      text += static_cast<char>(0xC0 | (c >> 6));
      more(0);
    } else if (c < 0x10000) {
      text += static_cast<char>(0xE0 | (c >> 12));
      more(6);
      more(0);
    } else {
      text += static_cast<char>(0xF0 | (c >> 18));
      more(12);
      more(6);
      more(0);
    }
  }

  const std::function<void()> typing_;
  const base::unique_fd wake_;
  HistoryW* history_;
  EditLine* line_;
  std::string bytes_;
  std::mutex mutex_;
  std::string waiting_;
  bool over_ = false;
};

}  // namespace

std::unique_ptr<chat_input> open_chat_editor(std::function<void()> typing) {
  auto made = std::make_unique<chat_editor>(std::move(typing));
  if (!made->is_open()) return nullptr;
  return made;
}

}  // namespace sluice::cli
