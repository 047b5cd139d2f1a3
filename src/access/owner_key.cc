#include "access/owner_key.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/unique_fd.h"

namespace sluice::access {
namespace {

// While this file is there, the owner is half made: a server was killed over it.
std::string draft_in(const std::filesystem::path& data) {
  return (data / owner_key_file).string() + ".new";
}

result<void> sync_folder(const std::filesystem::path& folder) {
  const base::unique_fd opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened && ::fsync(opened.get()) == 0) return {};
  return fail_errno(errno, "sync " + folder.string());
}

result<base::unique_fd> begin_draft(const std::filesystem::path& data) {
  const auto draft = draft_in(data);
  base::unique_fd out(
      ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!out) return fail_errno(errno, "write " + draft);
  if (auto synced = sync_folder(data); !synced) return std::unexpected(synced.error());
  return out;
}

result<void> finish_draft(base::unique_fd& out, const std::filesystem::path& data,
                          const base::secret& key) {
  const auto draft = draft_in(data);
  std::string line = std::string(key.reveal()) + '\n';
  const auto written = ::write(out.get(), line.data(), line.size());
  const bool is_whole = written == static_cast<ssize_t>(line.size());
  base::wipe(line);
  if (!is_whole || ::fsync(out.get()) != 0) return fail_errno(errno, "write " + draft);
  if (auto closed = out.close(); !closed) return closed;
  if (::rename(draft.c_str(), (data / owner_key_file).c_str()) != 0) {
    return fail_errno(errno, "rename " + draft);
  }
  return sync_folder(data);
}

}  // namespace

result<std::optional<base::secret>> make_owner(table& accounts, const std::filesystem::path& data) {
  std::error_code unknown;
  const bool is_half_made = std::filesystem::exists(draft_in(data), unknown);
  if (is_half_made) (void)accounts.remove_account(owner_name);  // not_found: not even that was done
  if (!accounts.accounts().empty()) return std::nullopt;
  auto draft = begin_draft(data);
  if (!draft) return std::unexpected(draft.error());
  auto made = accounts.add_account(owner_name, "", {{"", base::rights::all()}});
  if (!made) return std::unexpected(made.error());
  auto key = accounts.add_token({.account = owner_name, .label = "owner key"});
  if (!key) return std::unexpected(key.error());
  auto kept = finish_draft(*draft, data, key->text);
  if (!kept) return std::unexpected(kept.error());
  return std::optional(std::move(key->text));
}

}  // namespace sluice::access
