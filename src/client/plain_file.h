// A file that gets its name only when it is whole.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/unique_fd.h"
#include "sluice/error.h"

namespace sluice::client {

// Writes to a hidden file in the target's own folder and renames it at the end. Owns the hidden
// file: the destructor removes it unless it was published. One thread at a time.
class plain_file {
 public:
  // Opens the folder and looks at the name; makes nothing. Errors: exists (unless `overwrite`),
  // not_a_file (the target is a folder), not_found (no such folder), not_allowed.
  [[nodiscard]] static result<plain_file> prepare(const std::string& target, bool overwrite);

  plain_file(plain_file&&) = default;
  plain_file& operator=(plain_file&&) = delete;
  ~plain_file();

  // Makes the hidden file (O_EXCL). Call once, before `write`.
  [[nodiscard]] result<void> begin();

  // Appends all of `bytes`.
  [[nodiscard]] result<void> write(std::span<const std::byte> bytes);

  // Syncs, renames in one step and syncs the folder. `exists` when somebody took the name
  // meanwhile.
  [[nodiscard]] result<void> publish();

 private:
  plain_file(std::string target, bool overwrite)
      : target_(std::move(target)), overwrite_(overwrite) {}
  [[nodiscard]] result<void> look() const;
  [[nodiscard]] result<void> rename_to_target();

  std::string target_;
  std::string name_;  // the last part of target_
  bool overwrite_;
  base::unique_fd folder_;
  base::unique_fd file_;
  std::string hidden_;  // empty: nothing to remove
};

// Appends all of `bytes` to a descriptor; `what` begins the error's context.
[[nodiscard]] result<void> write_all(int fd, std::span<const std::byte> bytes,
                                     const std::string& what);

}  // namespace sluice::client
