// One connection to the catalog, and the statements prepared on it.
//
// A session belongs to one thread at a time; `database` lends it to an operation. What fails
// throws `soci::soci_error`: `database` catches it at its edge and makes it a `result`. So the
// functions of the tables (content.h, uploads.h) are plain calls that may throw, and are called
// only inside `database::write` and `database::read`. SQL itself is in query.h: no other room
// includes that.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace soci {
class session;
class statement;
}  // namespace soci

namespace sluice::catalog {

class session {
 public:
  // Opens `file`, which must exist. Throws soci_error. `file` holds no quotation mark.
  explicit session(const std::filesystem::path& file);
  ~session();
  session(const session&) = delete;
  session& operator=(const session&) = delete;

  // Runs `sql`, which binds nothing and gives no rows.
  void run(const std::string& sql);
  // The same for what is run again and again: `text` stays prepared.
  void run_prepared(const char* text);

  soci::session& sql() noexcept { return *sql_; }

 private:
  friend class query;
  soci::statement& prepared(const char* text);

  std::unique_ptr<soci::session> sql_;
  std::map<std::string, std::unique_ptr<soci::statement>, std::less<>> statements_;
};

}  // namespace sluice::catalog
