// The built page (web/), as the build put it into the program.
#pragma once

#include <span>
#include <string_view>

namespace sluice::http {

// One file of it. Static data; "" where a form was not made.
struct page_asset {
  std::string_view path;  // "/index.html", "/assets/main-BwX3.js"
  std::string_view type;
  std::string_view tag;  // of its content, without quotes
  std::string_view plain;
  std::string_view gzip;    // RFC 1952
  std::string_view brotli;  // RFC 7932
};

// Sorted by path; has "/index.html". Made by web/embed.mjs, or web/without_node.cc where the build
// had no Node.
[[nodiscard]] std::span<const page_asset> page_assets() noexcept;

}  // namespace sluice::http
