// For tests: a catalog of their own with the table of who may do what.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "access/table.h"
#include "catalog/test_folder.h"

namespace sluice::access::test {

using base::right;
using base::rights;

inline constexpr rights reading{right::see, right::take};
inline constexpr rights writing{right::see, right::take, right::give, right::change, right::talk};

template <class T>
T value(result<T> r) {
  if (!r) throw std::runtime_error(r.error().message());
  if constexpr (!std::is_void_v<T>) return std::move(*r);
}

class world {
 public:
  static inline std::int64_t now_s = 1'800'000'000;  // for all: a clock has no object

  explicit world(rights of_strangers = {}) : of_strangers_(of_strangers) { reopen(); }

  // As after a restart.
  void reopen() {
    table_.reset();
    database_.reset();
    database_ = catalog::test::open_in(where_);
    table_ = value(table::open(*database_, of_strangers_, [] { return now_s; }));
  }
  [[nodiscard]] access::table& table() { return *table_; }
  [[nodiscard]] const std::filesystem::path& folder() const { return where_.path(); }

  // Somebody with a token of a new account.
  [[nodiscard]] base::caller_ptr somebody(const std::string& name, const std::vector<grant>& what) {
    value(table_->add_account(name, "", what));
    return value(table_->find_by_token(value(table_->add_token({.account = name})).text));
  }

 private:
  catalog::test::folder where_;
  const rights of_strangers_;
  std::unique_ptr<catalog::database> database_;
  std::unique_ptr<access::table> table_;
};

}  // namespace sluice::access::test
