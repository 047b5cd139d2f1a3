#include "client/known_hosts.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "base/replace_file.h"
#include "base/unique_fd.h"

namespace sluice::client {
namespace {

constexpr mode_t for_us = 0600;
constexpr std::string_view kind = "SHA256:";

std::optional<known_host> read_line(std::string_view line) {
  const auto blank = line.find(' ');
  if (line.starts_with('#') || blank == std::string_view::npos || blank == 0) return std::nullopt;
  const auto fingerprint = line.substr(blank + 1);
  if (!fingerprint.starts_with(kind) || fingerprint.find(' ') != std::string_view::npos) {
    return std::nullopt;
  }
  return known_host{std::string(line.substr(0, blank)), std::string(fingerprint)};
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// "" where the file is absent.
result<std::string> read_file(const std::filesystem::path& file) {
  const std::string attempt = "read " + file.string();
  const base::unique_fd opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!opened && errno == ENOENT) return std::string();
  if (!opened) return fail_errno(errno, attempt);
  std::string text(known_hosts::file_bytes_max + 1, '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const auto got = ::read(opened.get(), text.data() + done, text.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, attempt);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  if (done > known_hosts::file_bytes_max) {
    return fail(errc::invalid_argument, attempt + ": it has over 1 MiB, which no such file has");
  }
  text.resize(done);
  return text;
}

// Held by who changes the file.
result<base::unique_fd> take_turn(const std::filesystem::path& file) {
  std::error_code failed;
  if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path(), failed);
  const std::string lock = file.string() + ".lock";
  base::unique_fd opened(::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, for_us));
  if (!opened) return fail_errno(errno, "open " + lock);
  while (::flock(opened.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return fail_errno(errno, "lock " + lock);
  }
  return opened;
}

bool is_of(const known_host& known, std::string_view host) {
  return known.authority == host ||
         std::string_view(known.authority).substr(0, known.authority.rfind(':')) == host;
}

}  // namespace

std::string default_known_hosts() {
  const auto folder = base::config_folder();
  return folder.empty() ? "" : (folder / "known_hosts").string();
}

result<std::vector<known_host>> known_hosts::list() const {
  const auto text = read_file(file_);
  if (!text) return std::unexpected(text.error());
  std::vector<known_host> found;
  for (const std::string& line : lines_of(*text)) {
    if (auto known = read_line(line)) found.push_back(std::move(*known));
  }
  return found;
}

result<known_hosts::record> known_hosts::find_or_add(const std::string& authority,
                                                     const std::string& fingerprint) const {
  const auto turn = take_turn(file_);
  if (!turn) return std::unexpected(turn.error());
  auto text = read_file(file_);
  if (!text) return std::unexpected(text.error());
  for (const std::string& line : lines_of(*text)) {
    auto known = read_line(line);
    if (known && known->authority == authority) return record{std::move(known->fingerprint)};
  }
  if (!text->empty() && !text->ends_with('\n')) *text += '\n';
  *text += authority + " " + fingerprint + "\n";
  if (auto written = base::replace_file(file_, *text, for_us); !written)
    return std::unexpected(written.error());
  return record{fingerprint, true};
}

result<std::size_t> known_hosts::forget(std::string_view host) const {
  const auto turn = take_turn(file_);
  if (!turn) return std::unexpected(turn.error());
  const auto text = read_file(file_);
  if (!text) return std::unexpected(text.error());
  std::string kept;
  std::size_t forgotten = 0;
  for (const std::string& line : lines_of(*text)) {
    const auto known = read_line(line);
    if (known && is_of(*known, host)) {
      ++forgotten;
    } else {
      kept += line + "\n";
    }
  }
  if (forgotten == 0) return forgotten;
  if (auto written = base::replace_file(file_, kept, for_us); !written)
    return std::unexpected(written.error());
  return forgotten;
}

}  // namespace sluice::client
