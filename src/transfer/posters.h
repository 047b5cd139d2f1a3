// Small pictures of what files show, as browsers made them: kept for all who may see the file.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/permission.h"
#include "catalog/posters.h"
#include "sluice/error.h"
#include "store/entry.h"
#include "transfer/options.h"
#include "transfer/uploads.h"

namespace sluice::transfer {

// A picture belongs to the content and goes with it: `file` is what is under the path now. Who sets
// one is somebody who may change what is there, or just brought it: so nobody else can make a file
// look like something that it is not. Thread-safe; all calls block.
class posters {
 public:
  explicit posters(site& where) : site_(where) {}

  // Empty: there is none.
  [[nodiscard]] result<std::vector<std::byte>> find(const base::permitted<base::right::take>& what,
                                                    const store::entry& file);

  [[nodiscard]] result<void> keep(const base::permitted<base::right::change>& what,
                                  const store::entry& file, std::span<const std::byte> picture);

  // Of the file that `own` became. conflict: it is none yet
  [[nodiscard]] result<void> keep(const opened_upload& own, std::span<const std::byte> picture);

 private:
  [[nodiscard]] result<void> put(const store::entry& file, std::span<const std::byte> picture);

  site& site_;
};

}  // namespace sluice::transfer
