// A link as a picture that the camera of a phone reads.
#pragma once

#include <string>
#include <string_view>

namespace sluice::cli {

// ISO/IEC 18004, in half blocks of UTF-8, dark on light whatever the terminal's colours are; each
// line ends with a line break. "" where the text is too long for one.
[[nodiscard]] std::string qr_code(std::string_view text);

}  // namespace sluice::cli
