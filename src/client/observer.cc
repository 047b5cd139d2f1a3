#include "client/observer.h"

namespace sluice::client {

std::string_view to_string(phase value) noexcept {
  switch (value) {
    case phase::connecting: return "connecting";
    case phase::comparing: return "comparing";
    case phase::sending: return "sending";
    case phase::receiving: return "receiving";
    case phase::syncing: return "syncing";
    case phase::verifying: return "verifying";
  }
  return "working";
}

}  // namespace sluice::client
