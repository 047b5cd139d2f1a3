#include "access/owner_key.h"

#include <fcntl.h>

#include <cerrno>

#include "base/replace_file.h"
#include "base/unique_fd.h"

namespace sluice::access {
namespace {

constexpr mode_t for_us = 0600;

// While the draft of the file is there, the owner is half made: a server was killed over it.
result<void> begin_draft(const std::filesystem::path& file) {
  const auto draft = base::draft_of(file);
  const base::unique_fd out(
      ::open(draft.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, for_us));
  if (!out) return fail_errno(errno, "write " + draft.string());
  return base::sync_folder(file.parent_path());
}

result<void> finish_draft(const std::filesystem::path& file, const base::secret& key) {
  std::string line(key.reveal());
  line += '\n';
  auto kept = base::replace_file(file, line, for_us);
  base::wipe(line);
  return kept;
}

}  // namespace

result<std::optional<base::secret>> make_owner(table& accounts, const std::filesystem::path& data) {
  std::error_code unknown;
  const auto file = data / owner_key_file;
  const bool is_half_made = std::filesystem::exists(base::draft_of(file), unknown);
  if (is_half_made) (void)accounts.remove_account(owner_name);  // not_found: not even that was done
  if (!accounts.accounts().empty()) return std::nullopt;
  if (auto begun = begin_draft(file); !begun) return std::unexpected(begun.error());
  auto made = accounts.add_account(owner_name, "", {{"", base::rights::all()}});
  if (!made) return std::unexpected(made.error());
  auto key = accounts.add_token({.account = owner_name, .label = "owner key"});
  if (!key) return std::unexpected(key.error());
  auto kept = finish_draft(file, key->text);
  if (!kept) return std::unexpected(kept.error());
  return std::optional(std::move(key->text));
}

}  // namespace sluice::access
