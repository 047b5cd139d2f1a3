#include "transfer/uploads.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <latch>

#include "base/log.h"
#include "transfer/names.h"
#include "transfer/reach.h"
#include "transfer/recovery.h"

namespace sluice::transfer {
namespace {

using base::right;

constexpr std::chrono::seconds aging_interval_max = std::chrono::minutes(15);

result<store::partial_id> random_id() {
  store::partial_id id;
  const auto got = ::getrandom(id.bytes.data(), id.bytes.size(), 0);
  if (got == static_cast<ssize_t>(id.bytes.size())) return id;
  return fail_errno(errno, "make an upload's id");
}

catalog::upload_row row_of(const upload_request& wanted, const std::string& id) {
  catalog::upload_row row;
  row.id = id;
  row.path = wanted.path.text();
  row.size_bytes = wanted.size_bytes;
  row.mtime_ns = wanted.mtime_ns;
  row.executable = wanted.executable;
  row.replaces = wanted.replaces;
  row.make_parents = wanted.make_parents;
  row.created_s = row.active_s = std::time(nullptr);
  row.form = wanted.form;
  row.note = wanted.note;
  row.part_index = wanted.parts.size();
  row.owner = wanted.path.by().by()->id();
  if (wanted.untold) row.state = catalog::upload_state::untold;
  return row;
}

store::entry entry_of(const catalog::upload_row& row) {
  const auto path = store::rel_path::parse(row.path);
  store::entry entry;
  if (path) entry.name = path->name();
  entry.size_bytes = row.size_bytes.value_or(0);
  entry.mtime_ns = row.mtime_ns;
  entry.executable = row.executable;
  entry.id = to_store(row.file);
  return entry;
}

// An upload is known by its id to whom it belongs.
result<base::permitted<right::give>> permit_upload(const std::string& id, const std::string& path,
                                                   const std::string& owner,
                                                   const base::caller_ptr& who) {
  auto anywhere = base::permit_anywhere<right::give>(who);
  if (!anywhere) return anywhere;  // so that a stranger hears of a login, whatever the id is
  if (owner != who->id() && !who->may(path).has(right::admin)) {
    return fail(errc::not_found, "join upload " + id);
  }
  return path.empty() ? anywhere : base::permit<right::give>(who, path);
}

result<void> check_replacing(const upload_request& wanted) {
  if (!wanted.replaces) return {};
  const auto& by = wanted.path.by();
  auto replaced = base::permit<right::change>(by.by(), by.path());
  return replaced ? result<void>() : std::unexpected(replaced.error());
}

bool is_in_blocks(catalog::upload_form form) noexcept {
  return form == catalog::upload_form::blocks;
}

}  // namespace

uploads::uploads(site& where)
    : site_(where), checkpoints_(std::make_shared<checkpointer>(where.opts.checkpoint_threads)) {}

result<std::unique_ptr<uploads>> uploads::start(site& where) {
  auto made = std::unique_ptr<uploads>(new uploads(where));
  if (auto recovered = made->recover(); !recovered) return std::unexpected(recovered.error());
  made->clock_ = std::thread([all = made.get()] { all->serve(); });
  return made;
}

uploads::~uploads() {
  {
    const std::lock_guard lock(clock_mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
  if (clock_.joinable()) clock_.join();
  drain();
  checkpoints_->stop();
  // The catalog calls back in order: after this nothing of ours is called any more.
  (void)site_.catalog.write([](catalog::session&) -> result<void> { return {}; });
}

// Of those who would go on with an upload of one path, one after the other looks for it and makes
// it: else a client that is killed and run again could leave an empty one, and find that later.
class uploads::turn {
 public:
  turn(uploads& all, std::string path) : all_(all), path_(std::move(path)) {
    std::unique_lock lock(all_.mutex_);
    all_.opened_.wait(lock, [this] { return !all_.being_opened_.contains(path_); });
    all_.being_opened_.insert(path_);
  }
  ~turn() {
    const std::lock_guard lock(all_.mutex_);
    all_.being_opened_.erase(path_);
    all_.opened_.notify_all();
  }
  turn(const turn&) = delete;
  turn& operator=(const turn&) = delete;

 private:
  uploads& all_;
  const std::string path_;
};

result<opened_upload> uploads::open(const upload_request& wanted) {
  auto opened = open_unrecorded(wanted);
  const auto& by = *wanted.path.by().by();
  if (!opened) note(site_, by, "put", wanted.path.text(), opened.error().code);
  return opened;
}

result<opened_upload> uploads::open_unrecorded(const upload_request& wanted) {
  const bool has_name = wanted.form != catalog::upload_form::part;
  if (wanted.path.is_root() == has_name) {
    return fail(errc::invalid_argument, "upload to the served folder");
  }
  if (wanted.size_bytes && *wanted.size_bytes > base::file_bytes_max) {
    return fail(errc::invalid_argument, "upload " + wanted.path.text() + ": too large");
  }
  if (auto fine = check_replacing(wanted); !fine) return std::unexpected(fine.error());
  if (has_name) {
    auto there = reach(site_, wanted.path.by());
    if (!there) return std::unexpected(there.error());
  }
  std::optional<turn> mine;
  if (wanted.resume) {
    mine.emplace(*this, wanted.path.text());
    wait_for_publishing(wanted);
  }
  if (has_name) {
    auto policy = policy_now(site_.store, wanted.path.path(), wanted.replaces, wanted.make_parents);
    if (!policy) return std::unexpected(policy.error());
  }
  if (wanted.resume) {
    auto found = find_to_resume(wanted);
    if (!found) return std::unexpected(found.error());
    if (*found) {
      if (auto taken = take_wishes(site_, **found, wanted); !taken) {
        return std::unexpected(taken.error());
      }
      return opened_upload{std::move(*found), wanted.path.by(), true, std::nullopt, {}};
    }
  }
  if (wanted.kept) {
    auto found = find_kept(wanted);
    if (!found) return std::unexpected(found.error());
    if (*found) {
      return opened_upload{std::move(*found), wanted.path.by(), true, std::nullopt, {}, true};
    }
  }
  const bool is_other = wanted.resume && has_other(wanted);
  if (auto reserved = reserve(); !reserved) return std::unexpected(reserved.error());
  auto share = take_room(wanted);
  auto made = share ? make(wanted) : std::unexpected(share.error());
  const std::lock_guard lock(mutex_);
  --being_made_;
  if (!made) return std::unexpected(made.error());
  (*made)->share_ = *share;
  (*made)->number_ = site_.told->next_upload();
  slots_[(*made)->id()] = {wanted.path.text(),
                           wanted.size_bytes,
                           wanted.mtime_ns,
                           *made,
                           *share,
                           is_in_blocks(wanted.form),
                           (*made)->number_,
                           wanted.path.by().by()->id()};
  (*made)->tell(event_kind::upload_started);
  return opened_upload{std::move(*made), wanted.path.by(), false, std::nullopt, {}, false,
                       is_other};
}

// The partial and its name first, then the row: a crash between leaves a partial without a row,
// which the next start removes.
result<std::shared_ptr<upload>> uploads::make(const upload_request& wanted) {
  auto id = random_id();
  if (!id) return std::unexpected(id.error());
  auto file = site_.store.create_partial(*id, wanted.size_bytes.value_or(0));
  if (!file) return std::unexpected(file.error());
  const auto row = row_of(wanted, id->text());
  auto durable = site_.syncs() ? site_.store.sync_partials() : result<void>();
  if (durable) durable = insert(row, wanted.parts);
  if (!durable) {
    file->reset();
    auto removed = site_.store.remove_partial(*id);
    if (!removed) base::log_warning("{}", removed.error().message());
    return std::unexpected(durable.error());
  }
  return std::make_shared<upload>(site_, checkpoints_, row, wanted.path.path(), std::move(*file),
                                  std::vector<catalog::held_block>(), std::nullopt);
}

// A client that was killed behind its last request comes again while that is being done: what it
// sent is neither open nor a file yet, and all of it would be sent once more.
void uploads::wait_for_publishing(const upload_request& wanted) {
  std::vector<std::shared_ptr<upload>> same;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, one] : slots_) {
      if (one.live && one.is_in_blocks && one.path == wanted.path.text() &&
          one.size_bytes == wanted.size_bytes && one.mtime_ns == wanted.mtime_ns) {
        same.push_back(one.live);
      }
    }
  }
  for (const auto& one : same) one->wait_while_finishing();
}

// A null pointer where there is none.
result<std::shared_ptr<upload>> uploads::find_to_resume(const upload_request& wanted) {
  const auto& owner = wanted.path.by().by()->id();
  const std::lock_guard lock(mutex_);
  for (auto& [id, one] : slots_) {
    if (!one.is_in_blocks || one.path != wanted.path.text() || one.owner != owner ||
        one.size_bytes != wanted.size_bytes || one.mtime_ns != wanted.mtime_ns) {
      continue;
    }
    auto loaded = load(id);
    if (!loaded && loaded.error().code != errc::not_found) return loaded;
    if (loaded && (*loaded)->is_open()) return loaded;
  }
  return nullptr;
}

// What was sent of an earlier state of the source, most likely.
bool uploads::has_other(const upload_request& wanted) {
  const auto& owner = wanted.path.by().by()->id();
  const std::lock_guard lock(mutex_);
  put_away();
  return std::ranges::any_of(slots_, [&](const auto& each) {
    return each.second.is_in_blocks && each.second.owner == owner &&
           each.second.path == wanted.path.text();
  });
}

result<void> uploads::take_wishes(site& where, upload& found, const upload_request& wanted) {
  const auto row = row_of(wanted, found.id());
  if (!found.update_wishes(row)) return {};
  return where.catalog.write([&](catalog::session& s) -> result<void> {
    catalog::set_wishes(s, row);
    return {};
  });
}

result<opened_upload> uploads::join(const std::string& id, const base::caller_ptr& who) {
  std::shared_ptr<upload> found;
  std::optional<base::permitted<right::give>> by;
  {
    const std::lock_guard lock(mutex_);
    if (const auto place = slots_.find(id); place != slots_.end()) {
      auto allowed = permit_upload(id, place->second.path, place->second.owner, who);
      if (!allowed) return std::unexpected(allowed.error());
      by = std::move(*allowed);
      auto loaded = load(id);
      if (!loaded) return std::unexpected(loaded.error());
      found = std::move(*loaded);
    }
  }
  if (!found) return find_done(id, who);
  if (auto entry = found->done()) {
    return opened_upload{nullptr, std::move(*by), true, std::move(entry), found->path().text()};
  }
  if (found->is_aborted()) return fail(errc::not_found, "join upload " + id);
  return opened_upload{std::move(found), std::move(*by), true, std::nullopt, {}};
}

result<opened_upload> uploads::find_done(const std::string& id, const base::caller_ptr& who) {
  auto row = site_.catalog.read([&](catalog::session& s) { return catalog::find_upload(s, id); });
  if (!row) return std::unexpected(row.error());
  if (!*row || (*row)->state != catalog::upload_state::done) {
    return fail(errc::not_found, "join upload " + id);
  }
  auto by = permit_upload(id, (*row)->path, (*row)->owner, who);
  if (!by) return std::unexpected(by.error());
  return opened_upload{nullptr, std::move(*by), true, entry_of(**row), (*row)->path};
}

result<catalog::upload_row> uploads::facts(const std::string& id, const base::caller_ptr& who) {
  auto row = site_.catalog.read([&](catalog::session& s) { return catalog::find_upload(s, id); });
  if (!row) return std::unexpected(row.error());
  if (!*row) return fail(errc::not_found, "look at upload " + id);
  auto by = permit_upload(id, (*row)->path, (*row)->owner, who);
  if (!by) return std::unexpected(by.error());
  return std::move(**row);
}

result<std::vector<catalog::upload_row>> uploads::parts(const std::string& id,
                                                        const base::caller_ptr& who) {
  const auto whole = facts(id, who);
  if (!whole) return std::unexpected(whole.error());
  return site_.catalog.read([&](catalog::session& s) { return catalog::parts_of(s, id); });
}

std::chrono::seconds uploads::time_left(std::int64_t idle_s) const {
  return std::max(site_.opts.upload_expiry - std::chrono::seconds(idle_s), std::chrono::seconds(0));
}

result<void> uploads::remove(const std::string& id, const base::caller_ptr& who) {
  auto found = join(id, who);
  if (!found) return std::unexpected(found.error());
  if (found->upload) {
    found->upload->wait_while_finishing();
    if (!found->upload->done()) return found->upload->abort();
  }
  return site_.catalog.write([&](catalog::session& s) -> result<void> {
    catalog::remove_upload(s, id);
    return {};
  });
}

// The upload of a slot, made from the catalog where nobody uses it. With `mutex_` held: there is
// one partial open for each upload, never two.
result<std::shared_ptr<upload>> uploads::load(const std::string& id) {
  slot& place = slots_.at(id);
  if (place.live) return place.live;
  struct recorded {
    std::optional<catalog::upload_row> row;
    std::vector<catalog::held_block> blocks;
    std::optional<catalog::held_tail> tail;
  };
  auto there = site_.catalog.read([&](catalog::session& s) {
    return recorded{catalog::find_upload(s, id), catalog::blocks_of(s, id),
                    catalog::tail_of(s, id)};
  });
  if (!there) return std::unexpected(there.error());
  if (!there->row) return fail(errc::not_found, "go on with upload " + id);
  if (there->row->state != catalog::upload_state::open) {
    return fail(errc::io, "go on with upload " + id + ": publishing it failed; restart the server");
  }
  auto path = store::rel_path::parse(there->row->path);
  if (!path) return std::unexpected(path.error());
  auto file = site_.store.open_partial(*store::partial_id::parse(id));
  if (!file) return std::unexpected(file.error());
  place.live = std::make_shared<upload>(site_, checkpoints_, *there->row, *path, std::move(*file),
                                        there->blocks, there->tail);
  place.live->share_ = place.share;
  place.live->number_ = place.number;
  return place.live;
}

std::size_t uploads::open_count() {
  const std::lock_guard lock(mutex_);
  put_away();
  return slots_.size();
}

// Closes the files of uploads that nobody uses, and forgets those that ended. With `mutex_` held:
// nobody else makes a second owner of one that has only this one.
void uploads::put_away() {
  for (auto it = slots_.begin(); it != slots_.end();) {
    auto& live = it->second.live;
    if (live && (live->done() || live->is_aborted())) {
      it = slots_.erase(it);
      continue;
    }
    if (live && live.use_count() == 1 && live->is_idle()) {
      live->tell_progress(upload::clock::now(), true);
      live.reset();
    }
    ++it;
  }
}

std::vector<std::shared_ptr<upload>> uploads::live() {
  const std::lock_guard lock(mutex_);
  put_away();
  std::vector<std::shared_ptr<upload>> all;
  for (const auto& [id, one] : slots_) {
    if (one.live) all.push_back(one.live);
  }
  return all;
}

void uploads::drain() {
  const auto all = live();
  std::latch ended(static_cast<std::ptrdiff_t>(all.size()));
  for (const auto& one : all) {
    one->checkpoint([&ended](const auto&) { ended.count_down(); });
  }
  ended.wait();
}

result<void> uploads::age(std::chrono::seconds passed) {
  auto aged = site_.catalog.write([&](catalog::session& s) -> result<void> {
    catalog::add_idle_time(s, passed.count());
    return {};
  });
  if (!aged) return aged;
  const std::lock_guard lock(mutex_);
  put_away();
  auto gone = expire_uploads(site_, [this](const std::string& id) {
    const auto found = slots_.find(id);
    return found != slots_.end() && found->second.live != nullptr;
  });
  if (!gone) return std::unexpected(gone.error());
  for (const auto& id : *gone) {
    const auto found = slots_.find(id);
    if (found == slots_.end()) continue;
    const slot& place = found->second;
    if (!place.path.empty()) {
      site_.told->tell({.kind = event_kind::upload_ended,
                        .path = place.path,
                        .upload = place.number,
                        .size_bytes = place.size_bytes});
    }
    slots_.erase(found);
  }
  return {};
}

void uploads::tick() {
  const auto now = upload::clock::now();
  for (const auto& one : live()) {
    if (one->is_due(now)) checkpoints_->request(one);
    one->tell_progress(now);
  }
}

void uploads::serve() {
  const auto pause = std::max<std::chrono::milliseconds>(site_.opts.checkpoint_interval / 4,
                                                         std::chrono::milliseconds(1));
  const auto aging_interval =
      std::clamp(site_.opts.upload_expiry / 8, std::chrono::seconds(1), aging_interval_max);
  auto aged = upload::clock::now();
  std::unique_lock lock(clock_mutex_);
  while (!stop_.wait_for(lock, pause, [this] { return stopping_; })) {
    lock.unlock();
    tick();
    const auto passed = upload::clock::now() - aged;
    if (passed >= aging_interval) {
      const auto whole = std::chrono::duration_cast<std::chrono::seconds>(passed);
      if (auto r = age(whole); !r) base::log_warning("{}", r.error().message());
      aged += whole;
    }
    lock.lock();
  }
}

}  // namespace sluice::transfer
