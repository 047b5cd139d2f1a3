// Statements of SQL on a session of the catalog, and the columns that they bind.
#pragma once

#include <soci/soci.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "catalog/session.h"
#include "sluice/error.h"

namespace sluice::catalog {

// One run of a prepared statement. What `in` and `out` name must live until the query is gone.
//
//   query q(session, "SELECT path FROM upload WHERE id = :id");
//   q.in(id).out(path);
//   while (q.next()) ...
//
// A SELECT is read to its end, or the connection would go on holding its snapshot: a query that
// goes out of scope before then reads the rest away.
class query {
 public:
  query(session& s, const char* text);
  query(const query&) = delete;
  query& operator=(const query&) = delete;
  ~query();

  template <class T>
  query& in(const T& value) {
    statement_.exchange(soci::use(value));
    return *this;
  }
  template <class T>
  query& in(const T& value, soci::indicator& there) {
    statement_.exchange(soci::use(value, there));
    return *this;
  }
  template <class T>
  query& out(T& value) {
    statement_.exchange(soci::into(value));
    return *this;
  }
  template <class T>
  query& out(T& value, soci::indicator& there) {
    statement_.exchange(soci::into(value, there));
    return *this;
  }

  // The first call runs the statement. False: no row, or no further one.
  bool next();
  // Runs a statement that gives no rows; how many it changed.
  long long run();

 private:
  soci::statement& statement_;
  bool started_ = false;
  bool more_ = false;
};

// A column of bytes. NULL stands for no bytes at all, since an empty blob binds as NULL.
class bytes_column {
 public:
  explicit bytes_column(session& s) : blob_(s.sql()) {}
  bytes_column(session& s, std::span<const std::byte> bytes);

  void bind_in(query& q) { q.in(blob_, there_); }
  void bind_out(query& q) { q.out(blob_, there_); }
  [[nodiscard]] std::vector<std::byte> get();

 private:
  soci::blob blob_;
  soci::indicator there_ = soci::i_null;
};

// A column of whole numbers that may be NULL.
class number_column {
 public:
  number_column() = default;
  explicit number_column(std::optional<std::int64_t> value)
      : value_(value.value_or(0)), there_(value ? soci::i_ok : soci::i_null) {}

  void bind_in(query& q) { q.in(value_, there_); }
  void bind_out(query& q) { q.out(value_, there_); }
  [[nodiscard]] std::optional<std::int64_t> get() const {
    return there_ == soci::i_ok ? std::optional(value_) : std::nullopt;
  }

 private:
  std::int64_t value_ = 0;
  soci::indicator there_ = soci::i_null;
};

// What an exception of SQL means to the caller; `doing` says what was attempted.
[[nodiscard]] error to_error(const soci::soci_error& thrown, const std::string& doing);

}  // namespace sluice::catalog
