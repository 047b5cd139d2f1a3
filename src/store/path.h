// Where something lies below the served folder.
//
// Text from a request becomes a `rel_path` once, here, and only a `rel_path` reaches the file
// system. The check keeps names honest; that a path stays below the served folder and crosses no
// symbolic link is the kernel's work (openat2 with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
// RESOLVE_NO_MAGICLINKS), not this one's.
#pragma once

#include <compare>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/error.h"

namespace sluice::store {

// One part of a path: 1 to 255 bytes of valid UTF-8 without '/', '\', control characters or
// bidirectional overrides, and not beginning with a dot. Dot-names are the operator's and the
// store's own: they are neither listed nor served nor made.
//   invalid_argument: malformed; not_allowed: begins with a dot
[[nodiscard]] result<void> check_name(std::string_view name);

// A checked path below the root; the root itself is the empty one. A value: copyable, any thread.
class rel_path {
 public:
  rel_path() = default;

  // From decoded text: parts separated by one '/', at most `path_parts_max` of them and
  // `path_bytes_max` bytes; one '/' before and one after are allowed and dropped. Errors as
  // `check_name`; the context shows the path escaped.
  [[nodiscard]] static result<rel_path> parse(std::string_view text);

  [[nodiscard]] bool is_root() const noexcept { return text_.empty(); }

  // "a/b/c", or "" for the root. Valid as long as this object is not assigned to.
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

  // The last part, or "" for the root.
  [[nodiscard]] std::string_view name() const noexcept;

  // The folder that holds it; the root's is the root.
  [[nodiscard]] rel_path parent() const;

  // `text` is one part or several, read as `parse` does.
  [[nodiscard]] result<rel_path> child(std::string_view text) const;

  // True where `other` is this path or lies below it.
  [[nodiscard]] bool holds(const rel_path& other) const noexcept;

  [[nodiscard]] std::vector<std::string_view> parts() const;

  friend auto operator<=>(const rel_path&, const rel_path&) = default;

 private:
  explicit rel_path(std::string text) : text_(std::move(text)) {}

  std::string text_;
};

}  // namespace sluice::store
