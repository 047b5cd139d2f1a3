#include <algorithm>

#include "base/limits.h"
#include "transfer/uploads.h"

namespace sluice::transfer {
namespace {

std::uint64_t durable_bytes(const catalog::upload_row& row, std::uint64_t blocks) {
  return std::min(blocks * base::block_bytes, row.size_bytes.value_or(base::file_bytes_max));
}

}  // namespace

result<std::vector<upload_facts>> uploads::under_way(const base::caller_ptr& who) {
  std::map<std::string, std::uint64_t> counts;
  auto rows = site_.catalog.read([&counts](catalog::session& s) {
    counts = catalog::count_blocks(s);
    return catalog::all_uploads(s);
  });
  if (!rows) return std::unexpected(rows.error());
  std::erase_if(*rows, [&who](const auto& row) {
    return row.state != catalog::upload_state::open || !who->may(row.path).has(base::right::see);
  });
  std::vector<upload_facts> found;
  const std::lock_guard lock(mutex_);
  put_away();
  for (const auto& row : *rows) {
    const auto place = slots_.find(row.id);
    found.push_back({row.path, row.size_bytes, durable_bytes(row, counts[row.id]),
                     place != slots_.end() && place->second.live != nullptr});
  }
  std::ranges::sort(found, {}, &upload_facts::path);
  return found;
}

}  // namespace sluice::transfer
