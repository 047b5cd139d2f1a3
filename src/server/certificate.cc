#include "server/certificate.h"

#include <boost/asio/ip/host_name.hpp>

#include "base/replace_file.h"
#include "net/tls_certificate.h"

namespace sluice::server {
namespace {

constexpr mode_t for_all = 0644;
constexpr mode_t for_us = 0600;

}  // namespace

result<net::tls_files> keep_certificate(const std::filesystem::path& data_dir,
                                        const std::vector<std::string>& names) {
  net::tls_files kept{.certificate = data_dir / "tls.crt", .key = data_dir / "tls.key"};
  std::error_code unknown;
  // The key comes first: where there is a certificate, there was its key.
  if (std::filesystem::exists(kept.certificate, unknown)) return kept;
  boost::system::error_code nameless;
  std::vector<std::string> all{"localhost", "127.0.0.1", "::1",
                               boost::asio::ip::host_name(nameless)};
  all.insert(all.end(), names.begin(), names.end());
  const auto made = net::make_self_signed(all);
  if (!made) return std::unexpected(made.error());
  if (auto written = base::replace_file(kept.key, made->key_pem, for_us); !written) {
    return std::unexpected(written.error());
  }
  if (auto written = base::replace_file(kept.certificate, made->certificate_pem, for_all);
      !written) {
    return std::unexpected(written.error());
  }
  return kept;
}

}  // namespace sluice::server
