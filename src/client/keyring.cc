#include "client/keyring.h"

#include <algorithm>

namespace sluice::client {

void keyring::add(const std::string& authority, base::secret token) {
  const auto known = std::ranges::find(keys_, authority, &key::authority);
  if (known != keys_.end()) {
    known->token = std::move(token);
  } else {
    keys_.push_back({authority, std::move(token)});
  }
}

void keyring::add(const std::string& authority, base::secret link, base::secret password) {
  add(authority, std::move(link));
  std::ranges::find(keys_, authority, &key::authority)->password = std::move(password);
}

const base::secret* keyring::password_for(const url& server) const noexcept {
  const auto known = std::ranges::find(keys_, server.authority(), &key::authority);
  const bool has_one = known != keys_.end() && !known->password.empty();
  return has_one ? &known->password : nullptr;
}

const base::secret* keyring::find(const url& server) const noexcept {
  const auto known = std::ranges::find(keys_, server.authority(), &key::authority);
  if (known != keys_.end()) return &known->token;
  return for_all_.empty() ? nullptr : &for_all_;
}

}  // namespace sluice::client
