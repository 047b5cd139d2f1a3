// A checked path below the served folder, and the proof that somebody may do something there.
#pragma once

#include <string>
#include <utility>

#include "base/permission.h"
#include "store/path.h"

namespace sluice::transfer {

// A value. The proof is asked for with the text of a request, which names at most one path; so it
// is of this path, or there is none.
template <base::right R>
class allowed_place {
 public:
  // invalid_argument, not_allowed: as `rel_path::parse`
  [[nodiscard]] static result<allowed_place> of(base::permitted<R> by) {
    auto path = store::rel_path::parse(by.path());
    if (!path) return std::unexpected(path.error());
    return allowed_place(std::move(by), std::move(*path));
  }

  [[nodiscard]] const store::rel_path& path() const noexcept { return path_; }
  [[nodiscard]] const std::string& text() const noexcept { return path_.text(); }
  [[nodiscard]] bool is_root() const noexcept { return path_.is_root(); }
  [[nodiscard]] const base::permitted<R>& by() const noexcept { return by_; }

 private:
  allowed_place(base::permitted<R> by, store::rel_path path)
      : by_(std::move(by)), path_(std::move(path)) {}

  base::permitted<R> by_;
  store::rel_path path_;
};

// Why work that began with this proof may not go on.
template <base::right R>
[[nodiscard]] error lost_right(const base::permitted<R>& by) {
  return {errc::not_allowed, "go on: the right to " + std::string(name_of(R)) + " in /" +
                                 by.path() + " was taken away"};
}

}  // namespace sluice::transfer
