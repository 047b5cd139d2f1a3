#include "cli/links.h"

#include <unistd.h>

#include <cstdlib>

#include "cli/keys.h"

namespace sluice::cli {
namespace {

result<base::secret> find_password(const client::url& server) {
  const char* given = std::getenv("SLUICE_LINK_PASSWORD");
  if (given != nullptr && *given != '\0') return base::secret::copy_of(given);
  if (::isatty(STDIN_FILENO) == 1) return read_secret("Password of the link");
  return fail(errc::not_allowed,
              "come by the link to " + server.authority() +
                  ": it has a password; SLUICE_LINK_PASSWORD says it where there "
                  "is no terminal");
}

result<void> lead(client::url& place, client::session_options& options,
                  std::span<const client::url> places) {
  auto who = client::who_am_i(place, options);
  if (who && who->wants_password) {
    auto password = find_password(place);
    if (!password) return std::unexpected(password.error());
    add_link_password(place, std::move(*password));
    auto keys = find_keys(places);
    if (!keys) return std::unexpected(keys.error());
    options.keys = std::move(*keys);
    who = client::who_am_i(place, options);
  }
  if (!who) return std::unexpected(who.error());
  if (who->wants_password) {
    return fail(errc::not_allowed,
                "come by the link to " + place.authority() + ": this is not its password");
  }
  if (!who->is_link) return {};
  const std::string inside = std::move(place.path);
  place.path = who->path;
  if (!inside.empty()) {
    place.path += (place.path.empty() ? "" : "/") + inside;
  } else if (who->gives && !place.path.empty()) {
    place.path += '/';  // into it
  }
  return {};
}

}  // namespace

result<void> find_keys_and_lead(std::vector<client::url>& places,
                                client::session_options& options) {
  auto keys = find_keys(places);
  if (!keys) return std::unexpected(keys.error());
  options.keys = std::move(*keys);
  for (auto& place : places) {
    if (!came_by_link(place)) continue;
    if (auto led = lead(place, options, places); !led) return led;
  }
  return {};
}

result<void> find_keys_and_lead(client::url& place, client::session_options& options) {
  std::vector<client::url> one{std::move(place)};
  auto led = find_keys_and_lead(one, options);
  place = std::move(one.front());
  return led;
}

}  // namespace sluice::cli
