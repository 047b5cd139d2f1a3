// For calls that report to nobody.
#pragma once

#include <string_view>

#include "client/observer.h"

namespace sluice::client {

class silent_observer final : public observer {
 public:
  void on_progress(const progress&) override {}
  void on_notice(std::string_view) override {}
};

}  // namespace sluice::client
