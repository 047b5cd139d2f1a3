#include "server/accounts_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

namespace sluice::server {

result<accounts_folder> accounts_folder::open(const std::filesystem::path& data) {
  const std::string what = "open the accounts in " + data.string();
  std::error_code unknown;
  if (!std::filesystem::exists(data / "catalog.db", unknown)) {
    return fail(errc::not_found, what + ": it is no data folder of a server, which is .sluice in " +
                                     "the served folder unless the server has --data");
  }
  accounts_folder opened;
  const auto lock = (data / "lock").string();  // as the store takes it
  opened.lock_ = base::unique_fd(::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!opened.lock_) return fail_errno(errno, what);
  if (::flock(opened.lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return fail_errno(errno, what);
    return fail(errc::busy, what + ": a server uses it now; stop it first");
  }
  auto database = catalog::database::open(data);
  if (!database) return std::unexpected(database.error());
  opened.catalog_ = std::move(*database);
  auto table = access::table::open(*opened.catalog_, {});
  if (!table) return std::unexpected(table.error());
  opened.table_ = std::move(*table);
  auto audit = base::audit_log::open(data);
  if (!audit) return std::unexpected(audit.error());
  opened.table_->record_in(std::move(*audit));
  return opened;
}

void accounts_folder::note(std::string_view what, const std::string& whom,
                           std::optional<errc> failed) const {
  table_->note({.who = "local administrator, uid " + std::to_string(::getuid()),
                .from = {.protocol = "local"},
                .what = what,
                .path = whom,
                .failed = failed});
}

}  // namespace sluice::server
