// For tests: a world with accounts, whose rights the use cases ask.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "access/table.h"
#include "transfer/test_world.h"

namespace sluice::transfer::test {

class people : public testing::Test {
 protected:
  base::caller_ptr somebody(const std::string& name, const std::vector<access::grant>& what) {
    value(table_->add_account(name, "", what));
    return value(table_->find_by_token(value(table_->add_token({.account = name})).text));
  }

  // An upload by somebody who may give there.
  static upload_request wanted_by(const base::caller_ptr& who, const std::string& path,
                                  std::uint64_t size_bytes) {
    using base::right;
    upload_request wanted(
        value(allowed_place<right::give>::of(value(base::permit<right::give>(who, path)))));
    wanted.size_bytes = size_bytes;
    wanted.mtime_ns = 1'600'000'000'000'000'000;
    return wanted;
  }

  world w;
  std::unique_ptr<access::table> table_ = value(access::table::open(w.catalog(), {}));
};

}  // namespace sluice::transfer::test
