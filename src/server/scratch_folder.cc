#include "server/scratch_folder.h"

#include <cerrno>
#include <cstdlib>
#include <string>

namespace sluice::server {

result<scratch_folder> scratch_folder::make() {
  std::error_code none;
  const auto above = std::filesystem::temp_directory_path(none);
  std::string name = (none ? "/tmp" : above) / ".sluice-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) return fail_errno(errno, "make the folder " + name);
  return scratch_folder(name);
}

scratch_folder::~scratch_folder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace sluice::server
