#include "talk/sweep.h"

#include <utility>

#include "base/log.h"
#include "catalog/talk.h"

namespace sluice::talk {

std::shared_ptr<sweep> sweep::open(catalog::database& database) {
  const std::shared_ptr<sweep> made(new sweep(database));
  const auto left = database.read(catalog::has_removed_rooms);
  if (left && *left) made->begin();
  return made;
}

void sweep::begin() {
  if (!std::exchange(is_under_way_, true)) next_portion();
}

// One that is waiting to be run does not keep it alive: with its owner, it ends.
void sweep::next_portion() {
  const auto more = std::make_shared<bool>(false);
  database_.write(
      [more](catalog::session& s) -> result<void> {
        *more = catalog::sweep_rooms(s, portion_rows);
        return {};
      },
      [weak = weak_from_this(), more](const result<void>& committed) {
        const auto self = weak.lock();
        if (!committed) base::log_warning("delete messages: {}", committed.error().message());
        if (!self) return;
        if (committed && *more) return self->next_portion();
        self->is_under_way_ = false;
      });
}

}  // namespace sluice::talk
