// What a protocol knows its uploads by, and what it keeps with them. Pure functions and a value.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::http {

// Ids are 32 lower-case hexadecimal digits.
[[nodiscard]] bool is_upload_id(std::string_view text) noexcept;

// What a protocol keeps with its upload: a name of the protocol, then fields, each by its name.
class upload_note {
 public:
  explicit upload_note(std::string_view protocol) : text_(protocol) {}
  // nullopt: of another protocol.
  [[nodiscard]] static std::optional<upload_note> read(const std::string& text,
                                                       std::string_view protocol);
  void add(std::string_view name, std::string_view value);           // without line breaks
  [[nodiscard]] std::string_view find(std::string_view name) const;  // "" where it is not
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
};

}  // namespace sluice::http
