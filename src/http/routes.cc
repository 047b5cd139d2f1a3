// The table of contents of the server's HTTP side.
#include <array>

#include "http/files.h"
#include "http/router.h"

namespace sluice::http {

std::span<const route> routes() noexcept {
  static constexpr std::array table{
      route{"GET", "/files/", right::take, get_file},
  };
  return table;
}

}  // namespace sluice::http
