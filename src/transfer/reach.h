// Where a request leads: a path below the served folder, and whether who asks is still where a link
// let it in.
//
// A link is of a file or a folder by its identity. Its rights are asked by a path
// (base/permission.h asks no disk); here, where the disk is, what has that path has to be what was
// shared.
#pragma once

#include <memory>

#include "base/permission.h"
#include "sluice/error.h"
#include "store/content.h"
#include "store/path.h"
#include "transfer/options.h"

namespace sluice::transfer {

// The path of the proof, checked. Blocks on the disk where the caller comes by a link.
//   invalid_argument, not_allowed: as `rel_path::parse`; not_found: the link leads elsewhere by now
[[nodiscard]] result<store::rel_path> reach(const site& where, const base::caller& by,
                                            const std::string& path);
template <base::right R>
[[nodiscard]] result<store::rel_path> reach(const site& where, const base::permitted<R>& what) {
  return reach(where, *what.by(), what.path());
}

// What was opened by that path is still below what was shared: between the two the name may have
// changed hands.
[[nodiscard]] result<void> check_reached(const site& where, const base::caller& by,
                                         const store::rel_path& path, const store::identity& found);

// Whether `reach` asks the disk for this caller.
[[nodiscard]] bool is_bound(const site& where, const base::caller& by);

// A line of the record: what was done with a path for whom, and how it ended.
void note(const site& where, const base::caller& by, std::string_view what, const std::string& path,
          std::optional<errc> failed, std::optional<std::uint64_t> bytes = std::nullopt,
          std::string to = {});

// While something gets another name: what is kept by its path comes along at its end. One at a
// time. Not `done`: it kept its name.
class name_move {
 public:
  name_move(const site& where, std::string from, std::string to);
  ~name_move();
  name_move(const name_move&) = delete;
  name_move& operator=(const name_move&) = delete;
  void done() noexcept { done_ = true; }

 private:
  const site& where_;
  const std::string from_;
  const std::string to_;
  const std::unique_lock<std::mutex> alone_;
  bool done_ = false;
};

}  // namespace sluice::transfer
