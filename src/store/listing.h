// The entries of a folder, in order, a page at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "sluice/error.h"
#include "store/entry.h"
#include "store/open_file.h"
#include "store/path.h"

namespace sluice::store {

struct list_options {
  bool recursive = false;
  // Go on behind this entry: the `name` of the last one of an earlier page, "" for the beginning.
  // It need not exist any more.
  std::string after{};
  // How many names of one folder are held at once, at least 1: the next ones in order. Of the
  // folders above the one that is being walked a 64th of it is kept.
  std::size_t window_names = 65'536;
};

struct list_page {
  std::vector<entry> entries{};  // `name` is the path below the listed folder
  bool more = false;             // false: this is the last page
};

// One walk through a folder; made by `folder_store::list`. One thread at a time, movable.
//
// Names come in byte order, a folder before what it holds. Names that begin with a dot or are no
// valid names, symbolic links and special files are left out. Entries made or removed meanwhile may
// be missed or told; each name is told at most once. What cannot be entered is told and not
// entered.
//
// Memory is bounded however many entries a folder has: a folder larger than the window is read
// again for each window.
class listing {
 public:
  ~listing();
  listing(listing&&) noexcept;
  listing& operator=(listing&&) noexcept;

  // The next entries, at most `max_entries` (at least 1 is assumed).
  //   io, not_allowed
  [[nodiscard]] result<list_page> next(std::size_t max_entries);

 private:
  friend class folder_store;
  struct walk;
  explicit listing(std::unique_ptr<walk> state);

  std::unique_ptr<walk> walk_;
};

}  // namespace sluice::store
