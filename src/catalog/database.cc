#include "catalog/database.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <future>
#include <utility>

#include "base/fsync.h"
#include "catalog/query.h"
#include "catalog/schema.h"

namespace sluice::catalog {
namespace {

constexpr std::string_view file_name = "catalog.db";

// What to do about a catalog that cannot be used: the user reads this at start.
std::string advice(const std::filesystem::path& folder) {
  return "; nothing that was published is in it: restore " + (folder / file_name).string() +
         " from a backup, or move it and its -wal and -shm away and start again, which loses "
         "partial uploads and recorded digests only (digests are computed again)";
}

error damaged(error why, const std::filesystem::path& folder) {
  if (why.code == errc::io) why.context += advice(folder);
  return why;
}

}  // namespace

database::database(std::filesystem::path folder, options opts)
    : folder_(std::move(folder)), opts_(opts) {}

result<std::unique_ptr<database>> database::open(const std::filesystem::path& folder,
                                                 options opts) {
  auto made = std::unique_ptr<database>(new database(folder, opts));
  if (auto started = made->start(); !started) return std::unexpected(started.error());
  return made;
}

result<void> database::start() {
  if (folder_.string().contains('"')) {
    return fail(errc::invalid_argument,
                "open the catalog in " + folder_.string() + ": a quotation mark in the path");
  }
  if (auto made = make_file(); !made) return made;
  try {
    if (auto opened = open_sessions(); !opened) return opened;
  } catch (const soci::soci_error& thrown) {
    return std::unexpected(
        damaged(to_error(thrown, "open the catalog " + (folder_ / file_name).string()), folder_));
  }
  thread_ = std::thread([this] { serve(); });
  return {};
}

// SQLite would make the file with the umask's mode, and gives its -wal and -shm the mode of it.
result<void> database::make_file() const {
  const auto file = folder_ / file_name;
  const int made = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (made < 0 && errno == EEXIST) return {};
  if (made < 0) return fail_errno(errno, "create " + file.string());
  if (::close(made) != 0) return fail_errno(errno, "close " + file.string());
  const int folder = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return fail_errno(errno, "open " + folder_.string());
  const int synced = base::fsync(folder);
  const int why = errno;
  ::close(folder);
  if (synced != 0) return fail_errno(why, "sync " + folder_.string());
  return {};
}

result<void> database::open_sessions() {
  writer_ = std::make_unique<session>(folder_ / file_name);
  if (!opts_.sync) writer_->run("PRAGMA synchronous = OFF");
  std::string verdict;
  writer_->sql() << "PRAGMA quick_check(1)", soci::into(verdict);
  if (verdict != "ok") {
    return std::unexpected(
        damaged({errc::io, "open the catalog " + (folder_ / file_name).string() + ": " + verdict},
                folder_));
  }
  if (auto migrated = migrate(*writer_); !migrated) return migrated;
  for (std::size_t i = 0; i < opts_.readers; ++i) {
    readers_.push_back(std::make_unique<session>(folder_ / file_name));
    idle_.push_back(readers_.back().get());
  }
  return {};
}

database::~database() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  if (thread_.joinable()) thread_.join();
  readers_.clear();
  writer_.reset();
}

void database::write(operation op, callback done) {
  {
    std::unique_lock lock(mutex_);
    if (std::this_thread::get_id() != thread_.get_id()) {
      room_.wait(lock, [this] { return queue_.size() < opts_.max_waiting; });
    }
    queue_.push_back({std::move(op), std::move(done), {}});
  }
  work_.notify_one();
}

result<void> database::write(operation op) {
  std::promise<result<void>> promise;
  auto outcome = promise.get_future();
  write(std::move(op), [&promise](result<void> r) { promise.set_value(std::move(r)); });
  return outcome.get();
}

std::size_t database::waiting() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

std::uint64_t database::commits() const {
  const std::lock_guard lock(mutex_);
  return commits_;
}

void database::serve() {
  for (;;) {
    std::vector<queued> batch;
    {
      std::unique_lock lock(mutex_);
      work_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      while (!queue_.empty() && batch.size() < opts_.max_batch) {
        batch.push_back(std::move(queue_.front()));
        queue_.pop_front();
      }
    }
    room_.notify_all();
    commit(batch);
    for (auto& one : batch) one.done(std::move(one.outcome));
  }
}

void database::commit(std::vector<queued>& batch) {
  auto outcome = run_all(batch);
  if (outcome) {
    const std::lock_guard lock(mutex_);
    ++commits_;
    return;
  }
  failed_ = failed_ || outcome.error().code == errc::io;
  for (auto& one : batch) one.outcome = outcome;
}

result<void> database::run_all(std::vector<queued>& batch) {
  if (failed_) {
    return fail(errc::io,
                "write the catalog: an earlier write failed on this disk; restart the "
                "server once the disk is well");
  }
  try {
    soci::transaction all(writer_->sql());
    for (auto& one : batch) run_one(one);
    all.commit();
    return {};
  } catch (const soci::soci_error& thrown) {
    return std::unexpected(to_error(thrown, "write the catalog"));
  }
}

// Throws where the whole transaction is lost: on a full disk or an input/output error SQLite
// takes all of it back, and there is no savepoint left to return to.
void database::run_one(queued& one) {
  writer_->run_prepared("SAVEPOINT one");
  try {
    one.outcome = one.op(*writer_);
  } catch (const soci::soci_error& thrown) {
    one.outcome = std::unexpected(to_error(thrown, "write the catalog"));
    const auto code = one.outcome.error().code;
    if (code == errc::no_space || code == errc::io) throw;
  } catch (const std::exception& thrown) {
    one.outcome = fail(errc::internal, std::string("write the catalog: ") + thrown.what());
  }
  if (!one.outcome) writer_->run_prepared("ROLLBACK TO SAVEPOINT one");
  writer_->run_prepared("RELEASE SAVEPOINT one");
}

// A reading connection, lent until the end of the scope.
class database::lent {
 public:
  explicit lent(database& db) : db_(db), session_(*db.borrow()) {}
  ~lent() { db_.give_back(&session_); }
  lent(const lent&) = delete;
  lent& operator=(const lent&) = delete;
  session& get() const { return session_; }

 private:
  database& db_;
  session& session_;
};

result<void> database::read_once(const std::function<void(session&)>& what) {
  const lent reader(*this);
  try {
    soci::transaction snapshot(reader.get().sql());
    what(reader.get());
    snapshot.commit();
    return {};
  } catch (const soci::soci_error& thrown) {
    return std::unexpected(to_error(thrown, "read the catalog"));
  }
}

session* database::borrow() {
  std::unique_lock lock(mutex_);
  free_.wait(lock, [this] { return !idle_.empty(); });
  session* s = idle_.back();
  idle_.pop_back();
  return s;
}

void database::give_back(session* s) {
  {
    const std::lock_guard lock(mutex_);
    idle_.push_back(s);
  }
  free_.notify_one();
}

}  // namespace sluice::catalog
