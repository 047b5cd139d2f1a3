#include "client/failures.h"

#include <fmt/format.h>

#include "client/requests.h"

namespace sluice::client {

bool is_of_one_file(const error& why) noexcept {
  switch (why.code) {
    case errc::invalid_argument:
    case errc::not_allowed:
    case errc::not_found:
    case errc::exists:
    case errc::not_empty:
    case errc::not_a_file:
    case errc::conflict:
    case errc::changed:
    case errc::bad_digest:
    case errc::io: return true;
    default: return false;
  }
}

void failures::add(const error& why) {
  meter_.notice("failed: " + why.message());
  if (!first_) first_ = why;
  ++count_;
}

void failures::add(std::string_view path, const error& why) { add(about(why, path)); }

result<void> failures::outcome() const {
  if (!first_) return {};
  if (count_ == 1) return std::unexpected(*first_);
  return std::unexpected(about(*first_, fmt::format("{} files failed, the first of them", count_)));
}

}  // namespace sluice::client
