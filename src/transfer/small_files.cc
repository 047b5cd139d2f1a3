#include "transfer/small_files.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "base/log.h"
#include "catalog/links.h"
#include "transfer/allowed_place.h"
#include "transfer/names.h"
#include "transfer/reach.h"

namespace sluice::transfer {
namespace {

// Up to so many files and folders are synced one by one. A sync of the volume also waits for what
// others wrote there.
constexpr std::size_t synced_apart_max = 2;

}  // namespace

small_files::small_files(site& where) : site_(where), thread_([this] { serve(); }) {}

small_files::~small_files() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  thread_.join();
  // The catalog calls back in order: after this nothing of ours is called any more.
  (void)site_.catalog.write([](catalog::session&) -> result<void> { return {}; });
}

void small_files::wait_for_room() {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [this] { return under_way_ < site_.opts.small_files_waiting_max; });
  ++under_way_;
}

void small_files::over(std::size_t count) {
  {
    const std::lock_guard lock(mutex_);
    under_way_ -= count;
  }
  room_.notify_all();
}

// The outcome is recorded.
entry_callback small_files::recorded(const base::caller_ptr& by, std::string_view what,
                                     const std::string& path, entry_callback done) {
  if (!site_.audit) return done;
  return [this, by, what, path, done = std::move(done)](result<store::entry> r) mutable {
    const bool is_file = r && r->kind == store::entry_kind::file;
    note(site_, *by, what, path, r ? std::nullopt : std::optional(r.error().code),
         is_file ? std::optional(r->size_bytes) : std::nullopt);
    done(std::move(r));
  };
}

base::budget_ptr small_files::budget_of(const base::caller& by) const {
  return site_.budget_of ? site_.budget_of(by.id()) : nullptr;
}

// What it takes of the budget of who gives it is given back where nothing comes of it.
result<void> small_files::charge(const base::caller& by, std::uint64_t bytes,
                                 entry_callback& done) {
  auto budget = budget_of(by);
  if (!budget) return {};
  const base::budget_use use{.bytes = bytes, .files = 1};
  if (auto taken = budget->take(use); !taken) return taken;
  done = [use, budget = std::move(budget), done = std::move(done)](result<store::entry> r) mutable {
    if (!r) budget->give_back(use);
    done(std::move(r));
  };
  return {};
}

void small_files::put(const small_file& wanted, std::span<const std::byte> payload,
                      const base::digest128& digest, entry_callback done) {
  auto path = reach(site_, wanted.to);
  if (!path) return done(std::unexpected(path.error()));
  done = recorded(wanted.to.by(), "put", path->text(), std::move(done));
  if (auto charged = charge(*wanted.to.by(), payload.size(), done); !charged) {
    return done(std::unexpected(charged.error()));
  }
  if (auto fine = check_rights(wanted); !fine) return done(std::unexpected(fine.error()));
  wait_for_room();
  auto written = write(wanted, *path, payload, digest);
  if (!written) {
    over(1);
    return done(std::unexpected(written.error()));
  }
  {
    const std::lock_guard lock(mutex_);
    waiting_.written.push_back(
        {std::move(*written), std::move(*path), wanted, digest, std::move(done)});
  }
  work_.notify_one();
}

void small_files::make_folder(const new_folder& wanted, entry_callback done) {
  auto path = reach(site_, wanted.to);
  if (!path) return done(std::unexpected(path.error()));
  done = recorded(wanted.to.by(), "make folder", path->text(), std::move(done));
  const auto budget = budget_of(*wanted.to.by());
  if (auto taken = budget ? budget->take({.files = 1}) : result<void>(); !taken) {
    return done(std::unexpected(taken.error()));
  }
  wait_for_room();
  auto made = make(wanted);
  if (budget && !(made && made->first.is_new)) budget->give_back({.files = 1});
  if (!made) {
    over(1);
    return done(std::unexpected(made.error()));
  }
  if (!made->second) {
    over(1);
    return done(std::move(made->first.entry));
  }
  made->first.done = std::move(done);
  {
    const std::lock_guard lock(mutex_);
    waiting_.named.push_back(std::move(made->first));
  }
  work_.notify_one();
}

// False with it says that nothing is left to be made durable.
result<std::pair<small_files::named_entry, bool>> small_files::make(const new_folder& wanted) {
  auto path = store::rel_path::parse(wanted.to.path());  // checked already
  if (!path) return std::unexpected(path.error());
  const auto fresh = site_.store.mkdir(*path, wanted.parents, wanted.may_exist);
  if (!fresh) return std::unexpected(fresh.error());
  if (wanted.mtime_ns) {
    if (auto set = site_.store.set_mtime(*path, *wanted.mtime_ns); !set) {
      return std::unexpected(set.error());
    }
  }
  auto there = site_.store.stat(*path);
  if (!there) return std::unexpected(there.error());
  // Itself: its own time is part of it. The store goes up as far as names are not durable.
  named_entry made{std::move(*there), std::move(*path), {}, nullptr};
  made.is_new = *fresh;
  if (made.is_new) made.owner = counted_owner(*wanted.to.by());
  return std::pair(std::move(made), *fresh || wanted.mtime_ns.has_value());
}

result<store::staged_file> small_files::write(const small_file& wanted, const store::rel_path& path,
                                              std::span<const std::byte> payload,
                                              const base::digest128& digest) {
  if (path.is_root()) return fail(errc::invalid_argument, "store a file as the served folder");
  if (base::digest_of(payload) != digest) return fail(errc::bad_digest, "receive " + path.text());
  return site_.store.stage_small(payload, wanted.mtime_ns, wanted.executable,
                                 wanted.replaces.has_value());
}

void small_files::serve() {
  std::vector<named_entry> named;  // by the last group
  for (;;) {
    group now;
    {
      std::unique_lock lock(mutex_);
      work_.wait(lock, [&] { return stopping_ || waiting_.size() > 0 || !named.empty(); });
      if (waiting_.size() == 0 && named.empty()) return;
      now = std::exchange(waiting_, {});
      waiting_.written.reserve(now.written.size());
    }
    now.named.reserve(now.named.size() + named.size());
    std::ranges::move(named, std::back_inserter(now.named));
    named = serve(std::move(now));
  }
}

// The answer is what it gave names to.
std::vector<small_files::named_entry> small_files::serve(group now) {
  std::vector<named_entry> named;
  const auto synced = sync(now);
  if (!synced) {
    over(now.size());
    for (auto& one : now.written) one.done(std::unexpected(synced.error()));
    for (auto& one : now.named) one.done(std::unexpected(synced.error()));
    return named;
  }
  over(now.named.size());
  commit(std::move(now.named));
  named.reserve(now.written.size());
  for (auto& one : now.written) {
    auto given = give_name(one);
    if (given) {
      named.push_back({std::move(*given), one.path.parent(), one.digest, std::move(one.done),
                       one.wanted.replaces.has_value(), true, counted_owner(*one.wanted.to.by())});
    } else {
      over(1);
      one.done(std::unexpected(given.error()));
    }
  }
  return named;
}

result<void> small_files::sync(group& now) {
  if (!site_.syncs()) return {};
  return now.size() > synced_apart_max ? site_.store.sync_volume() : sync_apart(now);
}

result<void> small_files::sync_apart(group& now) {
  for (auto& one : now.written) {
    if (auto synced = site_.store.sync(one.file); !synced) return synced;
  }
  for (const auto& one : now.named) {
    if (auto synced = site_.store.sync_folder(one.synced_folder); !synced) return synced;
  }
  return {};
}

result<void> small_files::check_rights(const small_file& wanted) {
  if (!wanted.to.still_holds()) return std::unexpected(lost_right(wanted.to));
  if (!wanted.replaces) return {};
  auto replaced = base::permit<base::right::change>(wanted.to.by(), wanted.to.path());
  return replaced ? result<void>() : std::unexpected(replaced.error());
}

result<store::entry> small_files::give_name(written_file& one) {
  if (auto fine = check_rights(one.wanted); !fine) return std::unexpected(fine.error());
  // Without `replaces` the step itself finds out what there is to find out.
  store::name_policy policy{
      .replaces = false, .make_parents = one.wanted.make_parents, .replaced = {}};
  if (one.wanted.replaces) {
    auto found = policy_now(site_.store, one.path, one.wanted.replaces, one.wanted.make_parents);
    if (!found) return std::unexpected(found.error());
    policy = *found;
  }
  auto published = site_.store.publish(one.file, one.path, policy);
  if (!published) return std::unexpected(as_conflict(published.error()));
  return published;
}

// Whose budget has to be counted durably; "": nobody's.
std::string small_files::counted_owner(const base::caller& by) const {
  const auto budget = budget_of(by);
  return budget && budget->is_counted() ? by.id() : std::string();
}

// The files stand, whole and durable: what the commit adds are their digests, which can be made
// again. So a failed commit is logged and fails nobody.
void small_files::commit(std::vector<named_entry> files) {
  if (files.empty()) return;
  auto all = std::make_shared<std::vector<named_entry>>(std::move(files));
  site_.catalog.write(
      [all](catalog::session& s) -> result<void> {
        catalog::content_row row;
        for (const auto& one : *all) {
          if (!one.owner.empty()) catalog::charge(s, one.owner, one.entry.size_bytes, 1);
          if (one.entry.kind != store::entry_kind::file) continue;
          row.file = to_catalog(one.entry.id);
          row.size_bytes = one.entry.size_bytes;
          row.mtime_ns = one.entry.mtime_ns;
          row.digests.clear();
          if (one.entry.size_bytes > 0) row.digests.push_back(one.digest);
          catalog::put_content(s, row);
        }
        return {};
      },
      [this, all](result<void> committed) {
        if (!committed) base::log_warning("record digests: {}", committed.error().message());
        for (auto& one : *all) {
          tell(one);
          one.done(std::move(one.entry));
        }
      });
}

// As an upload of any size is told; the store tells of folders.
void small_files::tell(const named_entry& one) {
  if (one.entry.kind != store::entry_kind::file || !site_.told->has_followers()) return;
  const auto& folder = one.synced_folder.text();
  const std::string path = folder.empty() ? one.entry.name : folder + '/' + one.entry.name;
  event what{.kind = event_kind::upload_started,
             .path = path,
             .upload = site_.told->next_upload(),
             .size_bytes = one.entry.size_bytes};
  site_.told->tell(what);
  what.kind = event_kind::upload_finished;
  what.durable_bytes = one.entry.size_bytes;
  site_.told->tell(what);
  site_.told->tell(
      {.kind = event_kind::stored, .path = path, .entry = one.entry, .replaced = one.replaced});
}

}  // namespace sluice::transfer
