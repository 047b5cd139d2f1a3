#include "catalog/query.h"

#include <soci/sqlite3/soci-sqlite3.h>

#include "base/log.h"

namespace sluice::catalog {

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
