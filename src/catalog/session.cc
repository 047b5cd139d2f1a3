#include "catalog/session.h"

#include <soci/sqlite3/soci-sqlite3.h>

#include "base/log.h"

namespace sluice::catalog {
namespace {

// Seconds that a statement waits for another connection's lock. Only a checkpoint or a copy of
// the file made from outside ever holds one for long.
constexpr int busy_timeout_s = 10;

std::string connect_string(const std::filesystem::path& file) {
  return "db=\"" + file.string() + "\" timeout=" + std::to_string(busy_timeout_s);
}

}  // namespace

session::session(const std::filesystem::path& file) : sql_(soci::sqlite3, connect_string(file)) {
  run("PRAGMA journal_mode = WAL");
  run("PRAGMA synchronous = FULL");
  run("PRAGMA foreign_keys = ON");
  run("PRAGMA temp_store = MEMORY");
}

soci::statement& session::prepared(const char* text) {
  auto found = statements_.find(std::string_view(text));
  if (found != statements_.end()) return *found->second;
  auto made = std::make_unique<soci::statement>(sql_);
  made->alloc();
  made->prepare(text);
  return *statements_.emplace(text, std::move(made)).first->second;
}

void session::run_prepared(const char* text) { query(*this, text).run(); }

query::query(session& s, const char* text) : statement_(s.prepared(text)) {}

query::~query() {
  try {
    while (more_) more_ = statement_.fetch();
  } catch (const std::exception& unread) {
    // The read had all that it wanted; the next run of the statement resets it.
    base::log_debug("give up the rest of a read: {}", unread.what());
  }
  statement_.bind_clean_up();
}

bool query::next() {
  if (started_) return more_ = more_ && statement_.fetch();
  started_ = true;
  statement_.define_and_bind();
  return more_ = statement_.execute(true);
}

long long query::run() {
  statement_.define_and_bind();
  statement_.execute(true);
  return statement_.get_affected_rows();
}

bytes_column::bytes_column(session& s, std::span<const std::byte> bytes) : blob_(s.sql()) {
  if (bytes.empty()) return;
  blob_.write(0, reinterpret_cast<const char*>(bytes.data()), bytes.size());
  there_ = soci::i_ok;
}

std::vector<std::byte> bytes_column::get() {
  if (there_ != soci::i_ok) return {};
  std::vector<std::byte> bytes(blob_.get_len());
  if (!bytes.empty()) blob_.read(0, reinterpret_cast<char*>(bytes.data()), bytes.size());
  return bytes;
}

error to_error(const soci::soci_error& thrown, const std::string& doing) {
  const std::string context = doing + ": " + thrown.what();
  const auto* sqlite = dynamic_cast<const soci::sqlite3_soci_error*>(&thrown);
  if (sqlite == nullptr) return {errc::internal, context};
  switch (sqlite->result()) {
    case SQLITE_FULL: return {errc::no_space, context};
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return {errc::busy, context};
    case SQLITE_CONSTRAINT: return {errc::conflict, context};
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY: return {errc::not_allowed, context};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR: return {errc::io, context};
    default: return {errc::internal, context};
  }
}

}  // namespace sluice::catalog
