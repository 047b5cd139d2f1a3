#include "store/path.h"

#include <algorithm>

#include "base/limits.h"
#include "base/text.h"

namespace sluice::store {

namespace {

std::string shown(std::string_view verb, std::string_view text) {
  return std::string(verb) + " \"" + base::escape_unsafe(text) + "\"";
}

// Nearly all of nearly every name: these need no second look.
bool is_plain(char c) noexcept { return c >= ' ' && c <= '~' && c != '/' && c != '\\'; }

}  // namespace

result<void> check_name(std::string_view name) {
  const auto refuse = [name](std::string_view why) {
    return fail(errc::invalid_argument, shown("name", name) + " " + std::string(why));
  };
  if (name.empty()) return fail(errc::invalid_argument, "an empty part of a path");
  if (name.size() > base::name_bytes_max) return refuse("is longer than 255 bytes");
  if (name == "." || name == "..") return refuse("is not a name");
  const auto odd = std::ranges::find_if_not(name, is_plain);
  for (std::string_view rest(odd, name.end()); !rest.empty();) {
    const auto point = base::take_code_point(rest);
    if (!point) return refuse("is not UTF-8");
    if (*point == U'/' || *point == U'\\') return refuse("holds a slash or backslash");
    if (base::is_unsafe_to_show(*point)) return refuse("holds a control character");
  }
  if (name.front() == '.') {
    return fail(errc::not_allowed, shown("name", name) + " begins with a dot");
  }
  return {};
}

result<rel_path> rel_path::parse(std::string_view text) {
  if (text.empty() || text == "/") return rel_path();
  if (text.starts_with('/')) text.remove_prefix(1);
  if (text.ends_with('/')) text.remove_suffix(1);
  if (text.size() > base::path_bytes_max) {
    return fail(errc::invalid_argument, "a path longer than 4095 bytes");
  }
  std::size_t parts = 0;
  for (std::string_view rest = text;;) {
    const std::size_t slash = rest.find('/');
    if (auto good = check_name(rest.substr(0, slash)); !good) {
      return fail(good.error().code, shown("path", text) + ": " + good.error().context);
    }
    if (++parts > base::path_parts_max) {
      return fail(errc::invalid_argument, shown("path", text) + " has more than 64 parts");
    }
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  return rel_path(std::string(text));
}

std::string_view rel_path::name() const noexcept {
  const std::size_t slash = text_.rfind('/');
  return slash == std::string::npos ? std::string_view(text_)
                                    : std::string_view(text_).substr(slash + 1);
}

rel_path rel_path::parent() const {
  const std::size_t slash = text_.rfind('/');
  return slash == std::string::npos ? rel_path() : rel_path(text_.substr(0, slash));
}

result<rel_path> rel_path::child(std::string_view text) const {
  return parse(is_root() ? std::string(text) : text_ + "/" + std::string(text));
}

bool rel_path::holds(const rel_path& other) const noexcept {
  if (is_root() || *this == other) return true;
  return other.text_.size() > text_.size() && other.text_[text_.size()] == '/' &&
         other.text_.starts_with(text_);
}

std::vector<std::string_view> rel_path::parts() const {
  std::vector<std::string_view> found;
  for (std::string_view rest = text_; !rest.empty();) {
    const std::size_t slash = rest.find('/');
    found.push_back(rest.substr(0, slash));
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
  }
  return found;
}

}  // namespace sluice::store
