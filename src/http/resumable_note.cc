#include "http/resumable_note.h"

#include <algorithm>

#include "transfer/uploads.h"

namespace sluice::http {

bool is_upload_id(std::string_view text) noexcept {
  return store::partial_id::parse(text).has_value() &&
         std::ranges::none_of(text, [](char c) { return c >= 'A' && c <= 'F'; });
}

std::optional<upload_note> upload_note::read(const std::string& text, std::string_view protocol) {
  if (text.substr(0, text.find('\n')) != protocol) return std::nullopt;
  return upload_note(text);
}

void upload_note::add(std::string_view name, std::string_view value) {
  text_ += '\n';
  text_ += name;
  text_ += ' ';
  text_ += value;
}

std::string_view upload_note::find(std::string_view name) const {
  std::string_view rest = text_;
  for (;;) {
    const auto line_end = rest.find('\n');
    if (line_end == std::string_view::npos) return {};
    rest.remove_prefix(line_end + 1);
    const auto line = rest.substr(0, rest.find('\n'));
    if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ' ') {
      return line.substr(name.size() + 1);
    }
  }
}

}  // namespace sluice::http
