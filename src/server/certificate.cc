#include "server/certificate.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/fsync.h"
#include "base/unique_fd.h"
#include "net/tls_certificate.h"

namespace sluice::server {
namespace {

constexpr mode_t for_all = 0644;
constexpr mode_t for_us = 0600;
constexpr std::size_t host_name_bytes = 256;

// What is only read while it is whole: made under another name, and synced before it has its own.
result<void> write_file(const std::filesystem::path& path, const std::string& text, mode_t mode) {
  const std::string fresh = path.string() + ".new";
  const auto failed = [&fresh](int why) { return fail_errno(why, "write " + fresh); };
  if (::unlink(fresh.c_str()) != 0 && errno != ENOENT) return failed(errno);
  base::unique_fd file(
      ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!file) return failed(errno);
  for (std::size_t done = 0; done < text.size();) {
    const auto count = ::write(file.get(), text.data() + done, text.size() - done);
    if (count < 0 && errno != EINTR) return failed(errno);
    if (count > 0) done += static_cast<std::size_t>(count);
  }
  if (base::fsync(file.get()) != 0) return failed(errno);
  if (::rename(fresh.c_str(), path.c_str()) != 0) return failed(errno);
  return {};
}

result<void> sync_folder(const std::filesystem::path& path) {
  const base::unique_fd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || base::fsync(folder.get()) != 0) return fail_errno(errno, "sync " + path.string());
  return {};
}

std::string own_name() {
  std::array<char, host_name_bytes> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

}  // namespace

result<net::tls_files> keep_certificate(const std::filesystem::path& data_dir,
                                        const std::vector<std::string>& names) {
  net::tls_files kept{.certificate = data_dir / "tls.crt", .key = data_dir / "tls.key"};
  std::error_code unknown;
  // The key comes first: where there is a certificate, there was its key.
  if (std::filesystem::exists(kept.certificate, unknown)) return kept;
  std::vector<std::string> all{"localhost", "127.0.0.1", "::1", own_name()};
  all.insert(all.end(), names.begin(), names.end());
  const auto made = net::make_self_signed(all);
  if (!made) return std::unexpected(made.error());
  if (auto written = write_file(kept.key, made->key_pem, for_us); !written) {
    return std::unexpected(written.error());
  }
  if (auto written = write_file(kept.certificate, made->certificate_pem, for_all); !written) {
    return std::unexpected(written.error());
  }
  if (auto synced = sync_folder(data_dir); !synced) return std::unexpected(synced.error());
  return kept;
}

}  // namespace sluice::server
