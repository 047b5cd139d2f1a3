#include "transfer/recovery.h"

#include <unordered_set>

#include "base/log.h"
#include "catalog/links.h"
#include "store/store.h"
#include "transfer/names.h"

namespace sluice::transfer {
namespace {

using catalog::upload_row;
using catalog::upload_state;

bool is_expired(const site& where, const upload_row& row) {
  const auto limit =
      row.state == upload_state::done ? where.opts.finished_memory : where.opts.upload_expiry;
  return row.idle_s >= limit.count();
}

// What is to become of the rows, for one commit.
struct changes {
  std::vector<std::string> forget;
  std::vector<upload_row> set;  // state, size and identity
};

result<void> commit(site& where, const changes& all) {
  if (all.forget.empty() && all.set.empty()) return {};
  return where.catalog.write([&](catalog::session& s) -> result<void> {
    for (const auto& id : all.forget) catalog::remove_upload(s, id);
    for (const auto& row : all.set) {
      (void)catalog::set_state(s, row.id, row.state, row.size_bytes, row.file);
      if (row.state == upload_state::done) {
        catalog::charge(s, row.owner, row.size_bytes.value_or(0), 1);
      }
    }
    return {};
  });
}

result<std::unordered_set<std::string>> partials_of(const site& where) {
  std::unordered_set<std::string> ids;
  auto listed = where.store.list_partials([&](const store::partial_info& info) {
    ids.insert(info.id.text());
    return true;
  });
  if (!listed) return std::unexpected(listed.error());
  return ids;
}

result<void> remove_partials(site& where, const std::vector<std::string>& ids) {
  for (const auto& id : ids) {
    auto removed = where.store.remove_partial(*store::partial_id::parse(id));
    if (!removed && removed.error().code != errc::not_found) return removed;
  }
  if (ids.empty() || !where.syncs()) return {};
  return where.store.sync_partials();
}

// The crash came between the intent and `done`. Every step may be taken again.
result<void> publish_again(site& where, const upload_row& row) {
  auto path = store::rel_path::parse(row.path);
  if (!path) return std::unexpected(path.error());
  auto file = where.store.open_partial(*store::partial_id::parse(row.id));
  if (!file) return std::unexpected(file.error());
  auto ready = (*file)->finish({row.size_bytes.value_or(0), row.mtime_ns, row.executable});
  if (!ready) return ready;
  auto policy = policy_now(where.store, *path, row.replaces, row.make_parents);
  // Where this very file has the name already, the store's own step sees it.
  if (!policy && policy.error().code == errc::exists) policy = store::no_replace;
  if (!policy) return std::unexpected(policy.error());
  auto published = where.store.publish(**file, *path, *policy);
  if (!published) return std::unexpected(published.error());
  return sync_name(where, *path);
}

// Whether the file under the upload's name is the one that it became.
bool is_published(const site& where, const upload_row& row) {
  auto path = store::rel_path::parse(row.path);
  if (!path) return false;
  auto there = where.store.stat(*path);
  return there && to_catalog(there->id) == row.file;
}

// The crash came before the parts of what is done were forgotten.
void forget_used_parts(const std::vector<upload_row>& rows, changes& all) {
  std::unordered_set<std::string> done;
  for (const auto& row : rows) {
    if (row.state == upload_state::done) done.insert(row.id);
  }
  for (const auto& row : all.set) {
    if (row.state == upload_state::done) done.insert(row.id);
  }
  for (const auto& row : rows) {
    if (!row.part_of.empty() && done.contains(row.part_of)) all.forget.push_back(row.id);
  }
}

// What its owner gave by it: in the catalog the commit counts it.
void count_done(const site& where, const changes& all) {
  for (const auto& row : all.set) {
    if (row.state != upload_state::done || !where.budget_of) continue;
    const auto budget = where.budget_of(row.owner);
    if (budget) budget->take_anyway({.bytes = row.size_bytes.value_or(0), .files = 1});
  }
}

// What an earlier run named and was killed before it synced: whoever builds on it from now on takes
// it for durable.
result<void> sync_what_is_there(site& where) {
  if (!where.syncs()) return {};
  auto synced = where.store.sync_volume();
  if (!synced && synced.error().code == errc::not_allowed) return {};  // a volume without writes
  return synced;
}

// `synced`: what came of sync_what_is_there().
result<void> end_publishing(site& where, upload_row row, bool has_partial,
                            const result<void>& synced, changes& all) {
  if (!synced) return synced;
  if (has_partial) {
    auto published = publish_again(where, row);
    if (!published && published.error().code == errc::io) return published;
    row.state = published ? upload_state::done : upload_state::open;
    if (!published) {
      row.file = {};
      base::log_warning("upload {} of {} stays open: {}", row.id, row.path,
                        published.error().message());
    }
    all.set.push_back(std::move(row));
    return {};
  }
  if (!is_published(where, row)) {
    all.forget.push_back(row.id);
    return {};
  }
  row.state = upload_state::done;
  all.set.push_back(std::move(row));
  return {};
}

}  // namespace

result<std::vector<upload_row>> recover_uploads(site& where) {
  // Where it fails the volume refuses writes, and reading goes on.
  const auto synced = sync_what_is_there(where);
  auto partials = partials_of(where);
  if (!partials) return std::unexpected(partials.error());
  auto rows = where.catalog.read([](catalog::session& s) { return catalog::all_uploads(s); });
  if (!rows) return std::unexpected(rows.error());

  changes all;
  std::unordered_set<std::string> known;
  for (const auto& row : *rows) {
    const bool has_partial = partials->contains(row.id);
    if (is_expired(where, row) || row.state == upload_state::untold) {
      all.forget.push_back(row.id);
      continue;
    }
    known.insert(row.id);
    if (row.state == upload_state::publishing) {
      if (auto ended = end_publishing(where, row, has_partial, synced, all); !ended) {
        return std::unexpected(ended.error());
      }
    } else if (row.state == upload_state::open && !has_partial) {
      all.forget.push_back(row.id);
    }
  }
  forget_used_parts(*rows, all);
  count_done(where, all);
  for (const auto& id : all.forget) known.erase(id);
  if (auto committed = commit(where, all); !committed) return std::unexpected(committed.error());
  std::vector<std::string> orphans;
  for (const auto& id : *partials) {
    if (!known.contains(id)) orphans.push_back(id);
  }
  if (auto removed = remove_partials(where, orphans); !removed) {
    return std::unexpected(removed.error());
  }
  rows = where.catalog.read([](catalog::session& s) { return catalog::all_uploads(s); });
  if (!rows) return rows;
  std::erase_if(*rows, [](const upload_row& row) { return row.state != upload_state::open; });
  if (!orphans.empty()) base::log_info("removed {} partial files of no upload", orphans.size());
  return rows;
}

result<std::vector<std::string>> expire_uploads(
    site& where, const std::function<bool(const std::string&)>& is_used) {
  auto rows = where.catalog.read([](catalog::session& s) { return catalog::all_uploads(s); });
  if (!rows) return std::unexpected(rows.error());
  changes all;
  std::vector<std::string> files;
  for (const auto& row : *rows) {
    if (!is_expired(where, row) || row.state == upload_state::publishing || is_used(row.id)) {
      continue;
    }
    all.forget.push_back(row.id);
    if (row.state != upload_state::done) files.push_back(row.id);
  }
  if (auto committed = commit(where, all); !committed) return std::unexpected(committed.error());
  if (auto removed = remove_partials(where, files); !removed) {
    return std::unexpected(removed.error());
  }
  return all.forget;
}

}  // namespace sluice::transfer
