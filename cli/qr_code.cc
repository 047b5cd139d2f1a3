#include "cli/qr_code.h"

#include <qrencode.h>

#include <memory>

namespace sluice::cli {
namespace {

constexpr int quiet_zone = 4;  // light modules around it, as the standard wants

struct free_code {
  void operator()(QRcode* code) const noexcept { ::QRcode_free(code); }
};

bool is_dark(const QRcode& code, int x, int y) {
  if (x < 0 || y < 0 || x >= code.width || y >= code.width) return false;
  return (code.data[y * code.width + x] & 1U) != 0;
}

// Two modules, one above the other, in one character that is light where they are.
std::string_view character(bool above, bool below) {
  if (above) return below ? " " : "\u2584";
  return below ? "\u2580" : "\u2588";
}

}  // namespace

std::string qr_code(std::string_view text) {
  const std::string terminated(text);
  const std::unique_ptr<QRcode, free_code> code(
      ::QRcode_encodeString8bit(terminated.c_str(), 0, QR_ECLEVEL_L));
  if (!code) return "";
  std::string picture;
  for (int y = -quiet_zone; y < code->width + quiet_zone; y += 2) {
    picture += "\x1b[97;40m";  // white on black: the characters are what is light
    for (int x = -quiet_zone; x < code->width + quiet_zone; ++x) {
      picture += character(is_dark(*code, x, y), is_dark(*code, x, y + 1));
    }
    picture += "\x1b[0m\n";
  }
  return picture;
}

}  // namespace sluice::cli
