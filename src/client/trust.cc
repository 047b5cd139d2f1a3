#include "client/trust.h"

#include <fmt/format.h>

#include "client/known_hosts.h"
#include "net/on_pool.h"
#include "net/tls_certificate.h"

namespace sluice::client {
namespace {

result<void> check_given(const std::string& given, const url& server,
                         const net::tls_identity& shown) {
  const auto wanted = net::parse_fingerprint(given);
  if (!wanted) return std::unexpected(wanted.error());
  if (*wanted == shown.fingerprint) return {};
  return fail(errc::insecure,
              fmt::format("{} shows the certificate {}, and --tls-fingerprint says {}",
                          server.authority(), shown.fingerprint, *wanted));
}

error changed(const url& server, const net::tls_identity& shown, const std::string& before,
              const std::string& file) {
  const auto place = server.authority();
  return {errc::insecure,
          fmt::format("{0} shows another certificate than before: {1}, where {2} has {3}. Either "
                      "the server has a new one, or somebody else answers in its place. When you "
                      "know that it is right, \"sluice hosts forget {0}\" makes room for it",
                      place, shown.fingerprint, file, before)};
}

}  // namespace

awaitable<result<void>> check_trust(session& owner, const url& server,
                                    const net::tls_identity& shown) {
  const security& options = owner.security();
  if (!options.fingerprint.empty()) co_return check_given(options.fingerprint, server, shown);
  if (shown.is_trusted) co_return result<void>{};
  const std::string place = server.authority();
  if (owner.trusts(place, shown.fingerprint)) co_return result<void>{};
  const known_hosts known(options.known_hosts.empty() ? default_known_hosts()
                                                      : options.known_hosts);
  if (known.file().empty()) {
    co_return fail(errc::insecure,
                   fmt::format("{}: {}, and there is no folder to keep its certificate {} in; "
                               "--tls-fingerprint or --known-hosts says whom to believe",
                               place, shown.doubt, shown.fingerprint));
  }
  const auto record = co_await net::on_pool(owner.disk(), [&known, &place, &shown] {
    return known.find_or_add(place, shown.fingerprint);
  });
  if (!record) co_return std::unexpected(record.error());
  if (record->fingerprint != shown.fingerprint) {
    co_return std::unexpected(changed(server, shown, record->fingerprint, known.file().string()));
  }
  owner.trust(place, shown.fingerprint);
  if (record->is_new) {
    owner.tell_new_host(fmt::format("{} is new: its certificate {} is kept in {}", place,
                                    shown.fingerprint, known.file().string()));
  }
  co_return result<void>{};
}

}  // namespace sluice::client
