// A folder of this machine and all below it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "client/local_file.h"
#include "sluice/error.h"

namespace sluice::client {

class session;

struct local_entry {
  enum class kind : std::uint8_t {
    file,
    folder,
    skipped,  // a link, a special file, a name that begins with a dot: `problem` says which
    failed,   // `problem` says why
  };
  std::string path;  // below the root, '/' between the parts
  kind what = kind::file;
  file_facts facts;
  std::string problem;
};

// Tells people of an entry that is skipped, and puts its path to the others.
void note_skipped(session& owner, local_entry entry, std::vector<std::string>& skipped);

// Walks a tree in the order of `path_less`, which is the order of the server's listings: so both
// can be merged without holding either. Blocks: for the threads for the disk, one at a time; open()
// from several.
//
// Memory: the names of the folders on the way down to the current one. Descriptors: one for each.
class local_tree {
 public:
  // With `follow`, symbolic links that stay beneath the root count as what they point to, except
  // where they lead back to a folder above themselves.
  [[nodiscard]] static result<local_tree> open(const std::string& root, bool follow);
  ~local_tree();
  local_tree(local_tree&&) noexcept;
  local_tree& operator=(local_tree&&) noexcept;

  // The next entries, `count` at the most; none at the end. The root itself is not among them.
  [[nodiscard]] std::vector<local_entry> next(std::size_t count);

  // For what reads several files: folders below this root (folder_cache).
  [[nodiscard]] int root_fd() const noexcept;
  [[nodiscard]] bool follows() const noexcept;

  // For reading. Nothing outside of the root is opened, whatever became of the path meanwhile.
  [[nodiscard]] result<source_file> open_file(const std::string& path) const;

  // Of the root.
  [[nodiscard]] const file_facts& facts() const noexcept;

 private:
  struct walk;
  explicit local_tree(std::unique_ptr<walk> state);
  std::unique_ptr<walk> walk_;
};

}  // namespace sluice::client
