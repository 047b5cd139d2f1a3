// A small file that has all of its content, and no name yet.
#pragma once

#include <memory>
#include <string>

#include "store/entry.h"
#include "store/open_file.h"

namespace sluice::store {

// Made by `folder_store::stage_small`, given its name by `folder_store::publish`. Movable, one
// thread at a time. It holds a descriptor. Destroyed before it has a name, it leaves nothing.
class staged_file {
 public:
  ~staged_file() { drop(); }
  staged_file(staged_file&&) noexcept = default;
  staged_file& operator=(staged_file&&) = delete;

  // As it will be; the name is empty.
  [[nodiscard]] const entry& info() const noexcept { return info_; }

 private:
  friend class folder_store;
  staged_file(std::shared_ptr<volume> home, open_file file, std::string temporary)
      : home_(std::move(home)), file_(std::move(file)), temporary_(std::move(temporary)) {}
  void drop() noexcept;

  std::shared_ptr<volume> home_;  // none: moved from
  open_file file_;
  std::string temporary_;  // its name among the partials, or "" where it has none at all
  entry info_;
};

}  // namespace sluice::store
