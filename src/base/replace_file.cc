#include "base/replace_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "base/fsync.h"
#include "base/unique_fd.h"

namespace sluice::base {

std::filesystem::path draft_of(const std::filesystem::path& file) { return file.string() + ".new"; }

result<void> replace_file(const std::filesystem::path& file, std::string_view text, mode_t mode) {
  const auto draft = draft_of(file);
  const auto failed = [&draft](int why) { return fail_errno(why, "write " + draft.string()); };
  unique_fd out(::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!out || ::fchmod(out.get(), mode) != 0) return failed(errno);
  while (!text.empty()) {
    const auto count = ::write(out.get(), text.data(), text.size());
    if (count < 0 && errno != EINTR) return failed(errno);
    if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
  }
  if (base::fsync(out.get()) != 0) return failed(errno);
  if (auto closed = out.close(); !closed) return closed;
  if (std::rename(draft.c_str(), file.c_str()) != 0) return failed(errno);
  return sync_folder(file.has_parent_path() ? file.parent_path() : ".");
}

result<void> sync_folder(const std::filesystem::path& folder) {
  const unique_fd opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened && base::fsync(opened.get()) == 0) return {};
  return fail_errno(errno, "sync " + folder.string());
}

std::filesystem::path config_folder() {
  const char* config = std::getenv("XDG_CONFIG_HOME");
  if (config != nullptr && *config == '/') return std::filesystem::path(config) / "sluice";
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home == '/') return std::filesystem::path(home) / ".config/sluice";
  return {};
}

}  // namespace sluice::base
