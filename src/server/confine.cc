#include "server/confine.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <ctime>

#include "base/log.h"
#include "base/replace_file.h"
#include "base/unique_fd.h"
#include "server/server.h"

#if defined(__has_feature)
#define SLUICE_HAS_FEATURE(name) __has_feature(name)
#else
#define SLUICE_HAS_FEATURE(name) 0
#endif

namespace sluice::server {
namespace {

// The checkers of sanitized builds attach to the process at its end, and read what they like.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||                 \
    SLUICE_HAS_FEATURE(address_sanitizer) || SLUICE_HAS_FEATURE(thread_sanitizer) || \
    SLUICE_HAS_FEATURE(memory_sanitizer) || SLUICE_HAS_FEATURE(undefined_behavior_sanitizer)
constexpr bool is_sanitized = true;
#else
constexpr bool is_sanitized = false;
#endif

// Newer than the headers of Debian 12.
constexpr std::uint64_t truncate_access = std::uint64_t{1} << 14;
constexpr long oldest_with_renames = 2;  // before, nothing can be moved into another folder
constexpr long oldest_with_truncate = 3;

constexpr std::uint64_t file_reading = LANDLOCK_ACCESS_FS_READ_FILE;
constexpr std::uint64_t reading = file_reading | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t writing = reading | LANDLOCK_ACCESS_FS_WRITE_FILE |
                                  LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                                  LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                                  LANDLOCK_ACCESS_FS_REFER;
// What nothing of it needs, anywhere.
constexpr std::uint64_t never = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                                LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                                LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;

result<void> add_rule(int rules, const std::filesystem::path& path, std::uint64_t access) {
  const base::unique_fd place(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!place && errno == ENOENT) return {};
  const std::string what = "confine the server to " + path.string();
  if (!place) return fail_errno(errno, what);
  struct stat facts{};
  if (::fstat(place.get(), &facts) != 0) return fail_errno(errno, what);
  if (!S_ISDIR(facts.st_mode)) access &= file_reading | LANDLOCK_ACCESS_FS_WRITE_FILE;
  const landlock_path_beneath_attr rule{.allowed_access = access, .parent_fd = place.get()};
  if (::syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0) return {};
  return fail_errno(errno, what);
}

}  // namespace

void forbid_core_files() {
  if (is_sanitized) return;
  const rlimit none{0, 0};
  (void)::setrlimit(RLIMIT_CORE, &none);
  (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);  // also where a program takes the cores
}

result<void> confine_files(const confinement& to) {
  if (is_sanitized) return {};
  const long version =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < oldest_with_renames) {
    return fail(errc::unsupported,
                version < 0 ? "this kernel has no Landlock, or it is switched off"
                            : "the Landlock of this kernel is older than that of Linux 5.19");
  }
  const std::uint64_t truncating = version >= oldest_with_truncate ? truncate_access : 0;
  const landlock_ruleset_attr handled{.handled_access_fs = writing | never | truncating};
  const base::unique_fd rules(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0)));
  if (!rules) return fail_errno(errno, "make the rules of Landlock");
  for (const auto& path : to.written) {
    if (auto added = add_rule(rules.get(), path, writing | truncating); !added) return added;
  }
  for (const auto& path : to.read) {
    if (auto added = add_rule(rules.get(), path, reading); !added) return added;
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_errno(errno, "give up privileges");
  if (::syscall(SYS_landlock_restrict_self, rules.get(), 0) == 0) return {};
  return fail_errno(errno, "enforce the rules of Landlock");
}

namespace {

std::filesystem::path data_of(const options& settings) {
  return settings.data_dir.empty() ? settings.root / ".sluice" : settings.data_dir;
}

// What is read besides: to resolve the names of addresses, to know the time of the day, and the
// umask.
constexpr std::array read_besides{
    "/proc/self/status", "/etc/hosts",          "/etc/nsswitch.conf",
    "/etc/resolv.conf",  "/etc/host.conf",      "/etc/gai.conf",
    "/etc/localtime",    "/usr/share/zoneinfo", "/etc/ssl/openssl.cnf",
};

// Of one in the served folder the store sees to it. Another one has to be there to be written to;
// whoever opens it says what is wrong.
void make_data_folder(const options& settings) {
  if (settings.data_dir.empty() || ::mkdir(settings.data_dir.c_str(), 0700) != 0) return;
  const auto above = settings.data_dir.parent_path();
  if (const auto synced = base::sync_folder(above.empty() ? "." : above); !synced) {
    base::log_error("{}", synced.error().message());
  }
}

// Of the certificate the folders, since a new one may come in place of the old one.
confinement confinement_of(const options& settings) {
  confinement to{.written = {settings.root, data_of(settings)}};
  to.read.assign(read_besides.begin(), read_besides.end());
  if (settings.tls.files) {
    for (const auto& file : {settings.tls.files->certificate, settings.tls.files->key}) {
      const auto folder = std::filesystem::path(file).parent_path();
      to.read.push_back(folder.empty() ? "." : folder);
      std::error_code gone;  // where the name is a link, as some tools make it
      to.read.push_back(std::filesystem::weakly_canonical(file, gone).parent_path());
    }
  }
  return to;
}

}  // namespace

void confine(const options& settings) {
  make_data_folder(settings);
  ::setenv("SQLITE_TMPDIR", data_of(settings).c_str(), 0);
  ::tzset();
  const auto confined = confine_files(confinement_of(settings));
  if (confined) return;
  base::log_warning("the server could open any file of its user: {}", confined.error().message());
}

}  // namespace sluice::server
