#include "catalog/session.h"

#include <soci/sqlite3/soci-sqlite3.h>

#include "catalog/query.h"

namespace sluice::catalog {
namespace {

// Seconds that a statement waits for another connection's lock. Only a checkpoint or a copy of
// the file made from outside ever holds one for long.
constexpr int busy_timeout_s = 10;

std::string connect_string(const std::filesystem::path& file) {
  return "db=\"" + file.string() + "\" timeout=" + std::to_string(busy_timeout_s);
}

}  // namespace

session::session(const std::filesystem::path& file)
    : sql_(std::make_unique<soci::session>(soci::sqlite3, connect_string(file))) {
  run("PRAGMA journal_mode = WAL");
  run("PRAGMA synchronous = FULL");
  run("PRAGMA foreign_keys = ON");
  run("PRAGMA temp_store = MEMORY");
}

session::~session() = default;

void session::run(const std::string& sql) { *sql_ << sql; }

soci::statement& session::prepared(const char* text) {
  auto found = statements_.find(std::string_view(text));
  if (found != statements_.end()) return *found->second;
  auto made = std::make_unique<soci::statement>(*sql_);
  made->alloc();
  made->prepare(text);
  return *statements_.emplace(text, std::move(made)).first->second;
}

void session::run_prepared(const char* text) { query(*this, text).run(); }

}  // namespace sluice::catalog
