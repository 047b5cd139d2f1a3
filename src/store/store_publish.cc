// How a partial gets its name.
#include <string>
#include <utility>

#include "store/naming.h"
#include "store/store.h"
#include "store/volume.h"

namespace sluice::store {

result<entry> folder_store::publish(partial& from, const rel_path& path,
                                    const name_policy& policy) {
  const std::string what = doing("publish", path);
  if (path.is_root()) return fail(errc::invalid_argument, what);
  if (auto sound = from.check_sound(); !sound) return std::unexpected(sound.error());
  if (!from.finished_) return fail(errc::conflict, what + ": the partial is not finished");
  auto place = open_place(*home_, path, policy.make_parents, "publish");
  if (!place) return std::unexpected(place.error());
  // The file, which is durable, must not go where a power loss takes the way to it.
  if (home_->fresh.on_the_way_to(path.parent())) {
    if (auto synced = sync_folder(path.parent().parent()); !synced) {
      return std::unexpected(synced.error());
    }
  }

  const std::string source = from.id_.text() + std::string(partial_suffix);
  const named_file named{home_->partials.fd(), source.c_str(), from.identity_, true};
  auto unchanged = lock_place(*home_, *place, policy, what);
  if (!unchanged) return std::unexpected(unchanged.error());
  if (auto moved = give_name(*home_, named, *place, policy, what); !moved) {
    return std::unexpected(moved.error());
  }
  auto seen = home_->stat_open(from.file_.fd(), what);
  if (!seen) return std::unexpected(seen.error());
  seen->name = path.name();
  return seen;
}

}  // namespace sluice::store
