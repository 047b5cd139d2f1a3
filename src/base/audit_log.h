// The record of who did what: a file of JSON lines, for whoever has to know afterwards.
//
//   {"time":"2026-01-31T12:00:00.000Z","who":"anna","from":"192.0.2.1","protocol":"tus",
//    "what":"put","path":"in/a.mov","bytes":5,"result":"done"}
//
// It has no secret in it: no token, no password, no query, no text of a message. Every byte of a
// name that is no printable character is escaped. Lines are written by a thread of its own from a
// queue with a bound: what does not fit is counted, and a line says how much it was. A file that is
// full gets the next number (audit.log.1 is the latest), and the oldest one goes.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>

#include "base/permission.h"
#include "base/unique_fd.h"
#include "sluice/error.h"

namespace sluice::base {

struct audit_limits {
  std::uint64_t file_bytes = std::uint64_t{16} << 20;
  unsigned files = 8;  // with the current one
  std::size_t waiting = 4096;
  // Of what anybody can make happen as often as it likes (reading, refusals): the same again within
  // so long is told once, and no more than so many within a second.
  std::chrono::milliseconds same_again{60'000};
  std::size_t same_max = 4096;
  unsigned repeatable_a_second = 50;
};

struct audit_line {
  std::string who{};
  origin from{};
  std::string_view what{};  // a literal: "put", "get", "log in", ...
  std::string path{};
  std::string to{};  // of what has two
  std::optional<std::uint64_t> bytes{};
  std::optional<errc> failed{};  // none: it was done
  bool repeatable = false;       // see audit_limits
};

// Owner: the server, shared with all that tells it something. Any thread.
class audit_log {
 public:
  // Appends to `audit.log` in the folder (mode 0600). Errors name it.
  [[nodiscard]] static result<std::shared_ptr<audit_log>> open(const std::filesystem::path& folder,
                                                               audit_limits limits = {});
  // What waits is still written.
  ~audit_log();
  audit_log(const audit_log&) = delete;
  audit_log& operator=(const audit_log&) = delete;

  // Never blocks on the disk.
  void note(audit_line line);

 private:
  using wall = std::chrono::system_clock;
  using steady = std::chrono::steady_clock;
  struct entry {
    wall::time_point at;
    audit_line line;
  };

  audit_log(std::filesystem::path file, audit_limits limits);
  [[nodiscard]] result<void> open_file();
  [[nodiscard]] bool is_told_already(std::size_t same, steady::time_point now);
  void serve();
  void write(std::string_view text);
  void rotate();

  const std::filesystem::path file_;
  const audit_limits limits_;
  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<entry> waiting_;
  std::uint64_t lost_ = 0;
  bool stopping_ = false;
  std::unordered_map<std::size_t, steady::time_point> told_;  // by their hash
  steady::time_point second_{};
  unsigned in_this_second_ = 0;
  unique_fd out_;  // from here on the thread's own
  std::uint64_t bytes_ = 0;
  bool is_broken_ = false;
  std::thread thread_;
};

// "done", "not_allowed", ...: how a result is told.
[[nodiscard]] std::string_view audit_result(const std::optional<errc>& failed) noexcept;

}  // namespace sluice::base
