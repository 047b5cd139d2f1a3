// The tokens that a client logs in with.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/secret.h"
#include "client/url.h"

namespace sluice::client {

// Made before the work begins and not changed after; then any thread. A token goes to the server
// that it is for, and to no other.
class keyring {
 public:
  // For this server; in place of one that was added for it before.
  void add(const std::string& authority, base::secret token);
  // The same for a link with a password.
  void add(const std::string& authority, base::secret link, base::secret password);
  // For every server that has none of its own: what the user gave with the command.
  void add_for_all(base::secret token) { for_all_ = std::move(token); }

  // None: nullptr. Valid as long as this object.
  [[nodiscard]] const base::secret* find(const url& server) const noexcept;
  // What has to be said with it, for a link; else nullptr.
  [[nodiscard]] const base::secret* password_for(const url& server) const noexcept;

 private:
  struct key {
    std::string authority;  // as url::authority has it
    base::secret token;
    base::secret password{};  // of a link
  };
  std::vector<key> keys_;
  base::secret for_all_;
};

}  // namespace sluice::client
