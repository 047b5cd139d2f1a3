#include "transfer/small_files.h"

#include <memory>
#include <set>

#include "base/log.h"
#include "transfer/names.h"

namespace sluice::transfer {
namespace {

// From so many folders on, one sync of the volume is cheaper than one of each.
constexpr std::size_t folders_synced_apart = 32;
// The same for files. A sync of the volume also waits for what others wrote there.
constexpr std::size_t files_synced_apart = 2;

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

void small_files::put(const small_file& wanted, std::span<const std::byte> payload,
                      const base::digest128& digest, entry_callback done) {
  auto path = store::rel_path::parse(wanted.path);
  if (!path) return done(std::unexpected(path.error()));
  {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return under_way_ < site_.opts.small_files_waiting_max; });
    ++under_way_;
  }
  auto written = write(wanted, *path, payload, digest);
  {
    const std::lock_guard lock(mutex_);
    if (written) {
      queue_.push_back(
          {std::move(*written), std::move(*path), wanted, digest, std::move(done), std::nullopt});
    } else {
      --under_way_;
    }
  }
  if (written) return work_.notify_one();
  room_.notify_one();
  done(std::unexpected(written.error()));
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
  for (;;) {
    group files;
    {
      std::unique_lock lock(mutex_);
      work_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      while (!queue_.empty() && files.size() < site_.opts.small_batch_max) {
        files.push_back(std::move(queue_.front()));
        queue_.pop_front();
      }
    }
    const auto count = files.size();
    publish(std::move(files));
    {
      const std::lock_guard lock(mutex_);
      under_way_ -= count;
    }
    room_.notify_all();
  }
}

void small_files::publish(group files) {
  if (auto synced = sync_content(files); !synced) return refuse(files, synced.error());
  group named;
  for (auto& one : files) {
    if (auto given = give_name(one); !given) {
      one.done(std::unexpected(given.error()));
    } else {
      named.push_back(std::move(one));
    }
  }
  if (named.empty()) return;
  if (auto synced = sync_names(named); !synced) return refuse(named, synced.error());
  commit(std::move(named));
}

result<void> small_files::sync_content(group& files) {
  if (!site_.syncs()) return {};
  if (files.size() > files_synced_apart) return site_.store.sync_volume();
  for (auto& one : files) {
    if (auto synced = site_.store.sync(one.file); !synced) return synced;
  }
  return {};
}

result<void> small_files::give_name(written_file& one) {
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
  one.published = std::move(*published);
  return {};
}

result<void> small_files::sync_names(const group& files) {
  if (!site_.syncs()) return {};
  std::set<store::rel_path> folders;
  for (const auto& one : files) {
    folders.insert(one.path.parent());
    if (folders.size() > folders_synced_apart) return site_.store.sync_volume();
  }
  for (const auto& folder : folders) {
    if (auto synced = site_.store.sync_folder(folder); !synced) return synced;
  }
  return {};
}

// The files stand, whole and durable: what the commit adds are their digests, which can be made
// again. So a failed commit is logged and fails nobody.
void small_files::commit(group files) {
  auto all = std::make_shared<group>(std::move(files));
  site_.catalog.write(
      [all](catalog::session& s) -> result<void> {
        catalog::content_row row;
        for (const auto& one : *all) {
          const auto& file = *one.published;
          row.file = to_catalog(file.id);
          row.size_bytes = file.size_bytes;
          row.mtime_ns = file.mtime_ns;
          row.digests.clear();
          if (file.size_bytes > 0) row.digests.push_back(one.digest);
          catalog::put_content(s, row);
        }
        return {};
      },
      [all](result<void> committed) {
        if (!committed) base::log_warning("record digests: {}", committed.error().message());
        for (auto& one : *all) one.done(*one.published);
      });
}

void small_files::refuse(group& files, const error& why) {
  for (auto& one : files) one.done(std::unexpected(why));
}

}  // namespace sluice::transfer
