// What uploads take of what there is: of the number of them, of the disk, of their owners' budgets.
#include <algorithm>

#include "transfer/recovery.h"
#include "transfer/uploads.h"

namespace sluice::transfer {
namespace {

bool is_in_blocks(catalog::upload_form form) noexcept {
  return form == catalog::upload_form::blocks;
}

quota_share::kind kind_of(catalog::upload_form form) noexcept {
  return {.is_file = form != catalog::upload_form::part,
          .has_bytes = form != catalog::upload_form::joined};
}

base::budget_ptr budget_of(const site& where, const std::string& owner) {
  return where.budget_of ? where.budget_of(owner) : nullptr;
}

// What an upload takes of the quota: of one of unknown size as far as blocks came.
result<std::uint64_t> size_held(site& where, const catalog::upload_row& row) {
  if (row.size_bytes) return *row.size_bytes;
  return where.catalog.read([&](catalog::session& s) -> std::uint64_t {
    const auto blocks = catalog::blocks_of(s, row.id);
    const auto tail = catalog::tail_of(s, row.id);
    const auto end = blocks.empty() ? 0 : (blocks.back().block + 1) * base::block_bytes;
    return std::max(end, tail ? tail->end_bytes : 0);
  });
}

}  // namespace

result<void> uploads::recover() {
  auto rows = recover_uploads(site_);
  if (!rows) return std::unexpected(rows.error());
  for (auto& row : *rows) {
    auto share = std::make_shared<quota_share>(site_.partials, budget_of(site_, row.owner));
    auto held = size_held(site_, row);
    if (!held) return std::unexpected(held.error());
    share->open_anyway(*held, kind_of(row.form));
    slots_[row.id] = {std::move(row.path),
                      row.size_bytes,
                      row.mtime_ns,
                      nullptr,
                      std::move(share),
                      is_in_blocks(row.form),
                      site_.told->next_upload(),
                      std::move(row.owner)};
  }
  return {};
}

result<void> uploads::reserve() {
  const std::lock_guard lock(mutex_);
  if (slots_.size() + being_made_ >= site_.opts.open_uploads_max) put_away();
  if (slots_.size() + being_made_ >= site_.opts.open_uploads_max) {
    return fail(errc::busy, "open an upload: " + std::to_string(site_.opts.open_uploads_max) +
                                " are open already");
  }
  ++being_made_;
  return {};
}

result<std::shared_ptr<quota_share>> uploads::take_room(const upload_request& wanted) {
  auto share =
      std::make_shared<quota_share>(site_.partials, budget_of(site_, wanted.path.by().by()->id()));
  auto taken = share->open(kind_of(wanted.form));
  if (taken) {
    taken = share->grow_to(wanted.size_bytes.value_or(0), site_.opts.partials_max_bytes);
  }
  if (taken) return share;
  return fail(taken.error().code, "upload " + wanted.path.text() + ": " + taken.error().context);
}

}  // namespace sluice::transfer
