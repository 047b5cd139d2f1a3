#include "transfer/tree.h"

#include <vector>

#include "base/log.h"
#include "transfer/names.h"
#include "transfer/reach.h"

namespace sluice::transfer {
namespace {

using base::right;

constexpr std::size_t entries_at_once = 1024;

// As the record has it: a path that is none as it was asked for.
std::string plain(const std::string& path) {
  const auto parsed = store::rel_path::parse(path);
  return parsed ? parsed->text() : path;
}

result<void> check_move(const base::permitted<right::change>& from,
                        const base::permitted<right::give>& to, bool replaces) {
  if (replaces) {
    auto replaced = base::permit<right::change>(to.by(), to.path());
    if (!replaced) return std::unexpected(replaced.error());
  }
  const auto before = from.by()->may(from.path());
  const auto behind = to.by()->may_below(to.path());
  for (const auto one : {right::see, right::take}) {
    if (behind.has(one) && !before.has(one)) {
      return std::unexpected(base::refusal(*from.by(), one, from.path()));
    }
  }
  return {};
}

}  // namespace

result<store::listing> tree::list(const base::permitted<right::see>& where,
                                  const store::list_options& how) {
  auto parsed = reach(site_, where);
  if (!parsed) return std::unexpected(parsed.error());
  return site_.store.list(*parsed, how);
}

result<store::entry> tree::stat(const base::permitted<right::see>& what) {
  auto parsed = reach(site_, what);
  if (!parsed) return std::unexpected(parsed.error());
  return site_.store.stat(*parsed);
}

result<base::permitted<right::talk>> tree::permit_talk(const base::caller_ptr& who,
                                                       const std::string& path) {
  const auto parsed = store::rel_path::parse(path);
  if (!parsed) return std::unexpected(parsed.error());
  auto talks = base::permit<right::talk>(who, parsed->text());
  if (!talks) return talks;
  const auto seen = base::permit<right::see>(who, parsed->text());
  if (!seen) return std::unexpected(seen.error());
  const auto there = stat(*seen);
  if (!there) return std::unexpected(there.error());
  return talks;
}

result<void> tree::sync(const store::rel_path& folder) {
  if (!site_.syncs()) return {};
  return site_.store.sync_folder(folder);
}

result<store::entry> tree::rename(const base::permitted<right::change>& from,
                                  const base::permitted<right::give>& to,
                                  const std::optional<catalog::replaced_file>& replaces) {
  auto renamed = rename_unrecorded(from, to, replaces);
  const auto failed = renamed ? std::nullopt : std::optional(renamed.error().code);
  note(site_, *from.by(), "rename", plain(from.path()), failed, std::nullopt, plain(to.path()));
  return renamed;
}

result<store::entry> tree::rename_unrecorded(
    const base::permitted<right::change>& from, const base::permitted<right::give>& to,
    const std::optional<catalog::replaced_file>& replaces) {
  auto source = reach(site_, from);
  if (!source) return std::unexpected(source.error());
  auto target = reach(site_, to);
  if (!target) return std::unexpected(target.error());
  if (auto fine = check_move(from, to, replaces.has_value()); !fine) {
    return std::unexpected(fine.error());
  }
  store::name_policy policy;
  if (replaces) {
    auto found = policy_now(site_.store, *target, replaces, false);
    if (!found) return std::unexpected(found.error());
    policy = *found;
  }
  {
    name_move moving(site_, source->text(), target->text());
    if (auto renamed = site_.store.rename(*source, *target, policy); !renamed) {
      return std::unexpected(as_conflict(renamed.error()));
    }
    moving.done();
  }
  auto synced = sync(target->parent());
  if (synced && source->parent() != target->parent()) synced = sync(source->parent());
  auto there = site_.store.stat(*target);
  tell_renamed(*source, *target, there);
  if (!synced) return std::unexpected(synced.error());
  if (site_.names.moved) {
    const auto followed = site_.names.moved(source->text(), target->text());
    if (!followed) return std::unexpected(followed.error());
  }
  if (replaces) {
    store::entry gone;
    gone.id = policy.replaced;
    forget(gone);
  }
  return there;
}

// Also where it is not durable: everybody sees it by now.
void tree::tell_renamed(const store::rel_path& from, const store::rel_path& to,
                        const result<store::entry>& there) {
  if (!site_.told->has_followers()) return;
  if (!there) return site_.told->tell_missed();
  site_.told->tell(
      {.kind = event_kind::renamed, .path = to.text(), .from = from.text(), .entry = *there});
}

result<void> tree::remove(const base::permitted<right::change>& what, bool recursive) {
  auto removed = remove_unrecorded(what, recursive);
  const auto failed = removed ? std::nullopt : std::optional(removed.error().code);
  note(site_, *what.by(), "remove", plain(what.path()), failed);
  return removed;
}

result<void> tree::remove_unrecorded(const base::permitted<right::change>& what, bool recursive) {
  auto parsed = reach(site_, what);
  if (!parsed) return std::unexpected(parsed.error());
  auto there = site_.store.stat(*parsed);
  if (!there) return std::unexpected(there.error());
  // Before, since it cannot be found after. Where the removal then fails, they are made again.
  if (there->kind == store::entry_kind::folder && recursive) forget_below(*parsed);
  if (auto removed = site_.store.remove(*parsed, recursive); !removed) {
    if (recursive) site_.told->tell_missed();  // some of it may be gone
    return removed;
  }
  if (there->kind == store::entry_kind::file) forget(*there);
  auto synced = sync(parsed->parent());
  site_.told->tell({.kind = event_kind::removed, .path = parsed->text(), .entry = *there});
  if (synced && site_.names.removed) return site_.names.removed(parsed->text());
  return synced;
}

void tree::forget(const store::entry& gone) {
  site_.catalog.write(
      [file = to_catalog(gone.id)](catalog::session& s) -> result<void> {
        catalog::remove_content(s, file);
        return {};
      },
      [](const result<void>& committed) {
        if (!committed) base::log_warning("forget digests: {}", committed.error().message());
      });
}

void tree::forget_below(const store::rel_path& folder) {
  auto all = site_.store.list(folder, {.recursive = true, .after = {}});
  while (all) {
    auto page = all->next(entries_at_once);
    if (!page) return;
    for (const auto& one : page->entries) {
      if (one.kind == store::entry_kind::file) forget(one);
    }
    if (!page->more) return;
  }
}

}  // namespace sluice::transfer
