#include "base/audit_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <functional>
#include <utility>

#include "base/log.h"
#include "base/text.h"

namespace sluice::base {
namespace {

constexpr std::size_t gathered_max = 64 * 1024;
constexpr std::size_t usual_line_bytes = 256;

void append_escaped(std::string& to, char32_t code_point) {
  if (code_point > 0xFFFF) {
    const auto rest = static_cast<unsigned>(code_point) - 0x10000U;
    to += fmt::format("\\u{:04x}\\u{:04x}", 0xD800U + (rest >> 10U), 0xDC00U + (rest & 0x3FFU));
  } else {
    to += fmt::format("\\u{:04x}", static_cast<unsigned>(code_point));
  }
}

// Nearly all of nearly every text: it needs no second look.
bool is_plain(char c) noexcept { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; }

// RFC 8259, 7. A byte that is not UTF-8 is shown as \xNN.
void append_text(std::string& to, std::string_view text) {
  to += '"';
  for (;;) {
    const auto plain =
        static_cast<std::size_t>(std::ranges::find_if_not(text, is_plain) - text.begin());
    to += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const auto before = text;
    const auto code_point = take_code_point(text);
    if (!code_point) {
      to += fmt::format("\\\\x{:02x}", static_cast<unsigned char>(text.front()));
      text.remove_prefix(1);
    } else if (is_unsafe_to_show(*code_point)) {
      append_escaped(to, *code_point);
    } else {
      if (*code_point == U'"' || *code_point == U'\\') to += '\\';
      to += before.substr(0, before.size() - text.size());
    }
  }
  to += '"';
}

void append_field(std::string& to, std::string_view name, std::string_view text) {
  append(to, {",\"", name, "\":"});
  append_text(to, text);
}

// Many lines are of the same second: all but its fraction is kept.
std::string time_text(std::chrono::system_clock::time_point at) {
  using namespace std::chrono;
  thread_local std::time_t of = -1;
  thread_local std::string text;
  const auto ms = duration_cast<milliseconds>(at.time_since_epoch()).count();
  if (const auto second = static_cast<std::time_t>(ms / 1000); second != of) {
    of = second;
    std::tm parts{};
    ::gmtime_r(&second, &parts);
    text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.", parts.tm_year + 1900,
                       parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
  }
  const fmt::format_int fraction(1000 + ms % 1000);
  std::string told = text;
  append(told, {{fraction.data() + 1, 3}, "Z"});
  return told;
}

std::string line_text(std::chrono::system_clock::time_point at, const audit_line& line) {
  std::string text;
  text.reserve(usual_line_bytes);
  append(text, {"{\"time\":\"", time_text(at), "\""});
  append_field(text, "who", line.who);
  append_field(text, "from", line.from.address);
  append_field(text, "protocol", line.from.protocol);
  append_field(text, "what", line.what);
  append_field(text, "path", line.path);
  if (!line.to.empty()) append_field(text, "to", line.to);
  if (line.bytes) text += fmt::format(",\"bytes\":{}", *line.bytes);
  append_field(text, "result", audit_result(line.failed));
  return text + "}\n";
}

// Of what makes it the same as another one.
std::size_t hash_of(const audit_line& line) {
  const std::hash<std::string_view> hash;
  std::size_t same = hash(line.what);
  const bool is_refusal = line.failed.has_value();
  // Of a stranger's refusals it matters that there are some, not what else was tried.
  const std::string_view path = is_refusal && line.who.empty() ? std::string_view() : line.path;
  for (const auto text : {std::string_view(line.who), std::string_view(line.from.address),
                          line.from.protocol, path, audit_result(line.failed)}) {
    same = same * 1'000'003 + hash(text);
  }
  return same;
}

std::filesystem::path numbered(const std::filesystem::path& file, unsigned number) {
  return file.string() + '.' + std::to_string(number);
}

// What root makes has to be written by a server that is not root, too.
void give_to_owner_of_folder(int opened, const std::filesystem::path& file) {
  struct stat owner{};
  if (::geteuid() != 0 || ::stat(file.parent_path().c_str(), &owner) != 0) return;
  if (::fchown(opened, owner.st_uid, owner.st_gid) != 0) {
    log_error("{}", fail_errno(errno, "give away " + file.string()).error().message());
  }
}

}  // namespace

std::string_view audit_result(const std::optional<errc>& failed) noexcept {
  if (!failed) return "done";
  switch (*failed) {
    case errc::not_allowed:
    case errc::insecure: return "not_allowed";
    case errc::not_found: return "not_found";
    case errc::exists: return "exists";
    case errc::conflict:
    case errc::changed: return "conflict";
    case errc::not_empty: return "not_empty";
    case errc::not_a_file: return "not_a_file";
    case errc::no_space: return "no_space";
    case errc::busy: return "busy";
    case errc::bad_digest: return "bad_digest";
    case errc::invalid_argument: return "invalid";
    case errc::cancelled:
    case errc::end_of_stream:
    case errc::broken_stream:
    case errc::timed_out: return "broken_off";
    default: return "failed";
  }
}

audit_log::audit_log(std::filesystem::path file, audit_limits limits)
    : file_(std::move(file)), limits_(limits) {}

result<std::shared_ptr<audit_log>> audit_log::open(const std::filesystem::path& folder,
                                                   audit_limits limits) {
  auto made = std::shared_ptr<audit_log>(new audit_log(folder / "audit.log", limits));
  if (auto opened = made->open_file(); !opened) return std::unexpected(opened.error());
  made->thread_ = std::thread([log = made.get()] { log->serve(); });
  return made;
}

audit_log::~audit_log() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  more_.notify_all();
  if (thread_.joinable()) thread_.join();
}

result<void> audit_log::open_file() {
  constexpr mode_t for_us = 0600;
  const std::string what = "write " + file_.string();
  out_ = unique_fd(
      ::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, for_us));
  if (!out_) return fail_errno(errno, what);
  struct stat facts{};
  if (::fstat(out_.get(), &facts) != 0) return fail_errno(errno, what);
  bytes_ = static_cast<std::uint64_t>(facts.st_size);
  if (bytes_ == 0) give_to_owner_of_folder(out_.get(), file_);
  return {};
}

// With the lock.
bool audit_log::is_told_already(std::size_t same, steady::time_point now) {
  if (now - second_ >= std::chrono::seconds(1)) {
    second_ = now;
    in_this_second_ = 0;
  }
  const auto known = told_.find(same);
  if (known != told_.end() && now - known->second < limits_.same_again) return true;
  if (in_this_second_ >= limits_.repeatable_a_second) {
    ++lost_;
    return true;
  }
  ++in_this_second_;
  if (told_.size() >= limits_.same_max) {
    std::erase_if(told_, [&](const auto& one) { return now - one.second >= limits_.same_again; });
    if (told_.size() >= limits_.same_max) told_.clear();
  }
  told_[same] = now;
  return false;
}

void audit_log::note(audit_line line) {
  const auto same = line.repeatable ? hash_of(line) : 0;
  {
    const std::lock_guard lock(mutex_);
    if (line.repeatable && is_told_already(same, steady::now())) return;
    if (waiting_.size() >= limits_.waiting) {
      ++lost_;
      return;
    }
    waiting_.push_back({wall::now(), std::move(line)});
  }
  more_.notify_one();
}

void audit_log::serve() {
  for (;;) {
    std::deque<entry> now;
    std::uint64_t lost = 0;
    {
      std::unique_lock lock(mutex_);
      more_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (waiting_.empty() && lost_ == 0) return;
      now = std::exchange(waiting_, {});
      lost = std::exchange(lost_, 0);
    }
    // Many lines are one write, as long as they belong into the same file.
    std::string lines;
    const auto add = [&](const std::string& line) {
      if (lines.size() >= gathered_max ||
          bytes_ + lines.size() + line.size() > limits_.file_bytes) {
        write(std::exchange(lines, {}));
      }
      lines += line;
    };
    for (const auto& one : now) add(line_text(one.at, one.line));
    if (lost > 0) {
      add("{\"time\":\"" + time_text(wall::now()) +
          "\",\"what\":\"left out\",\"lines\":" + std::to_string(lost) + "}\n");
    }
    write(lines);
  }
}

void audit_log::write(std::string_view text) {
  if (bytes_ > 0 && bytes_ + text.size() > limits_.file_bytes) rotate();
  if (!out_) return;
  while (!text.empty()) {
    const auto done = ::write(out_.get(), text.data(), text.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) {
      if (!std::exchange(is_broken_, true)) {
        log_error("{}", fail_errno(errno, "write " + file_.string()).error().message());
      }
      return;
    }
    is_broken_ = false;
    bytes_ += static_cast<std::uint64_t>(done);
    text.remove_prefix(static_cast<std::size_t>(done));
  }
}

void audit_log::rotate() {
  std::error_code failed;
  const unsigned oldest = std::max(limits_.files, 2U) - 1;
  for (unsigned number = oldest; number > 1; --number) {
    std::filesystem::rename(numbered(file_, number - 1), numbered(file_, number), failed);
  }
  std::filesystem::rename(file_, numbered(file_, 1), failed);
  if (failed) log_error("keep {} under another name: {}", file_.string(), failed.message());
  if (auto opened = open_file(); !opened) log_error("{}", opened.error().message());
  bytes_ = 0;
}

}  // namespace sluice::base
