// What a server's JSON says, where it says it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace sluice::client {

// The text under that name; "" where there is none, or `told` is no object.
[[nodiscard]] inline std::string text_in(const nlohmann::json& told, const char* name) {
  if (!told.is_object()) return {};
  const auto found = told.find(name);
  return found != told.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace sluice::client
