#include "transfer/reach.h"

#include <utility>

namespace sluice::transfer {
namespace {

std::optional<bound_place> place_of(const site& where, const base::caller& by) {
  return where.bound_to ? where.bound_to(by.id()) : std::nullopt;
}

error lost(const store::rel_path& path) { return {errc::not_found, "find " + path.text()}; }

result<void> check_bound(const site& where, const bound_place& bound, const store::rel_path& path) {
  const auto shared = store::rel_path::parse(bound.path);
  if (!shared || !shared->holds(path)) return std::unexpected(lost(path));
  const auto there = where.store.stat(*shared);
  if (!there || there->id != bound.shared) return std::unexpected(lost(path));
  return {};
}

}  // namespace

bool is_bound(const site& where, const base::caller& by) { return place_of(where, by).has_value(); }

result<store::rel_path> reach(const site& where, const base::caller& by, const std::string& path) {
  auto parsed = store::rel_path::parse(path);
  if (!parsed) return parsed;
  const auto bound = place_of(where, by);
  if (!bound) return parsed;
  if (auto fine = check_bound(where, *bound, *parsed); !fine) return std::unexpected(fine.error());
  return parsed;
}

result<void> check_reached(const site& where, const base::caller& by, const store::rel_path& path,
                           const store::identity& found) {
  const auto bound = place_of(where, by);
  if (!bound) return {};
  if (path.text() == bound->path && found != bound->shared) return std::unexpected(lost(path));
  return check_bound(where, *bound, path);
}

void note(const site& where, const base::caller& by, std::string_view what, const std::string& path,
          std::optional<errc> failed, std::optional<std::uint64_t> bytes, std::string to) {
  if (!where.audit) return;
  const bool reads = what == "get";
  where.audit->note({.who = by.name(),
                     .from = by.from(),
                     .what = what,
                     .path = path,
                     .to = std::move(to),
                     .bytes = bytes,
                     .failed = failed,
                     .repeatable = reads || failed.has_value()});
}

name_move::name_move(const site& where, std::string from, std::string to)
    : where_(where), from_(std::move(from)), to_(std::move(to)), alone_(*where.moving) {
  for (auto* keeper : where_.keepers) keeper->begin_move(from_);
}

name_move::~name_move() {
  for (auto* keeper : where_.keepers) {
    keeper->end_move(from_, done_ ? std::optional(to_) : std::nullopt);
  }
}

}  // namespace sluice::transfer
