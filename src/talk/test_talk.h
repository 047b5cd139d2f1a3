// For tests: conversations in a catalog of their own, and people with rights.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "access/test_table.h"
#include "talk/conversations.h"

namespace sluice::talk::test {

using access::test::value;
using base::right;

// Somebody with an account, and rights.
struct somebody {
  base::caller_ptr caller;
  person as;
};

class world {
 public:
  explicit world(options opts = {.pace = {.per_second = 1'000'000, .at_once = 1'000'000}})
      : opts_(opts) {
    reopen();
  }

  void reopen() {
    talk_.reset();
    database_.reset();
    database_ = catalog::test::open_in(where_);
    talk_ = conversations::open(*database_, opts_);
  }

  [[nodiscard]] conversations& talk() { return *talk_; }
  [[nodiscard]] catalog::database& database() { return *database_; }
  [[nodiscard]] access::table& rights() { return rights_.table(); }

  [[nodiscard]] somebody add(const std::string& name, const std::vector<access::grant>& what) {
    auto caller = rights_.somebody(name, what);
    person as{.account_id = caller->id(), .name = name, .paced_as = caller->id()};
    return {std::move(caller), std::move(as)};
  }
  [[nodiscard]] somebody talker(const std::string& name) {
    return add(name, {{"", access::test::writing}});
  }

  [[nodiscard]] static auto at(const somebody& who, const std::string& path) {
    return value(base::permit<right::talk>(who.caller, path));
  }

  [[nodiscard]] result<message> try_say(const somebody& who, const std::string& path, draft what) {
    return outcome(
        [&](auto done) { talk_->say(at(who, path), std::move(what), who.as, std::move(done)); });
  }
  message say(const somebody& who, const std::string& path, const std::string& text) {
    return value(try_say(who, path, {.text = text}));
  }
  [[nodiscard]] result<message> try_amend(const somebody& who, const std::string& path,
                                          amendment what) {
    return outcome(
        [&](auto done) { talk_->amend(at(who, path), std::move(what), who.as, std::move(done)); });
  }

  [[nodiscard]] page read(const somebody& who, const std::string& path, const question& what = {}) {
    return value(talk_->read(at(who, path), what));
  }
  [[nodiscard]] std::vector<std::string> texts(const somebody& who, const std::string& path,
                                               const question& what = {}) {
    std::vector<std::string> found;
    for (const auto& one : read(who, path, what).messages) found.push_back(one.text);
    return found;
  }

 private:
  template <class F>
  [[nodiscard]] result<message> outcome(F start) {
    std::promise<result<message>> promise;
    auto made = promise.get_future();
    start([&promise](result<spoken_ptr> said) {
      if (!said) return promise.set_value(std::unexpected(said.error()));
      promise.set_value((*said)->what());
    });
    return made.get();
  }

  const options opts_;
  access::test::world rights_;
  catalog::test::folder where_;
  std::unique_ptr<catalog::database> database_;
  std::shared_ptr<conversations> talk_;
};

// Nothing where it succeeded: no test takes a success for the first of the codes.
template <class T>
std::optional<errc> code_of(const result<T>& r) {
  if (r) return std::nullopt;
  return r.error().code;
}

}  // namespace sluice::talk::test
