// Deletes what was said in rooms that were removed. In portions, each committed by itself: the
// catalog has one writer, and those who upload wait for it. A server that is killed in between goes
// on with it when it starts.
#pragma once

#include <cstdint>
#include <memory>

#include "catalog/database.h"

namespace sluice::talk {

class sweep : public std::enable_shared_from_this<sweep> {
 public:
  // Rows of a portion: one commit each.
  static constexpr std::int64_t portion_rows = 500;

  // `database` outlives it.
  [[nodiscard]] static std::shared_ptr<sweep> open(catalog::database& database);

  // There may be something to delete. On the catalog's thread.
  void begin();

 private:
  explicit sweep(catalog::database& database) : database_(database) {}
  void next_portion();

  catalog::database& database_;
  bool is_under_way_ = false;
};

}  // namespace sluice::talk
