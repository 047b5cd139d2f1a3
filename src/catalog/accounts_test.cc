#include "catalog/accounts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catalog/database.h"
#include "catalog/test_folder.h"
#include "catalog/uploads.h"

namespace sluice::catalog {
namespace {

using testing::ElementsAre;

result<void> change(database& db, const std::function<void(session&)>& how) {
  return db.write([&](session& s) -> result<void> {
    how(s);
    return {};
  });
}

token_row token_of(const std::string& id, const std::string& account) {
  token_row row{.id = id, .account_id = account, .label = "laptop", .path = "a", .rights = 3};
  row.digest.fill(std::byte{0xab});
  row.digest.front() = std::byte{0};
  return row;
}

TEST(accounts, are_found_again_with_all_that_belongs_to_them) {
  test::folder where;
  {
    auto db = test::open_in(where);
    ASSERT_TRUE(change(*db, [](session& s) {
      insert_account(s, {.id = "1", .name = "anna", .password = "x", .created_s = 5});
      put_grant(s, {.account_id = "1", .path = "", .rights = 1});
      put_grant(s, {.account_id = "1", .path = "a", .rights = 7});
      put_grant(s, {.account_id = "1", .path = "a", .rights = 3});
      auto token = token_of("t", "1");
      token.expires_s = 99;
      insert_token(s, token);
      insert_token(s, token_of("u", "1"));
    }));
  }
  auto db = test::open_in(where);
  const auto accounts = db->read([](session& s) { return all_accounts(s); });
  ASSERT_EQ(accounts->size(), 1U);
  EXPECT_EQ(accounts->front().name, "anna");
  EXPECT_EQ(accounts->front().password, "x");
  const auto grants = db->read([](session& s) { return all_grants(s); });
  ASSERT_EQ(grants->size(), 2U);
  EXPECT_EQ(grants->back().rights, 3U);
  const auto tokens = db->read([](session& s) { return all_tokens(s); });
  ASSERT_EQ(tokens->size(), 2U);
  EXPECT_EQ(tokens->front().expires_s, 99);
  EXPECT_EQ(tokens->front().digest, token_of("", "").digest);
  EXPECT_FALSE(tokens->back().expires_s);
}

TEST(accounts, take_their_grants_and_tokens_with_them) {
  test::folder where;
  auto db = test::open_in(where);
  ASSERT_TRUE(change(*db, [](session& s) {
    insert_account(s, {.id = "1", .name = "anna", .password = "", .created_s = 0});
    insert_account(s, {.id = "2", .name = "bert", .password = "", .created_s = 0});
    for (const auto* id : {"1", "2"}) {
      put_grant(s, {.account_id = id, .path = "", .rights = 1});
      insert_token(s, token_of(std::string("t") + id, id));
    }
    EXPECT_TRUE(remove_account(s, "1"));
    EXPECT_FALSE(remove_account(s, "1"));
  }));
  EXPECT_EQ(db->read([](session& s) { return all_grants(s); })->size(), 1U);
  EXPECT_EQ(db->read([](session& s) { return all_tokens(s); })->front().id, "t2");
}

TEST(accounts, have_names_of_their_own) {
  test::folder where;
  auto db = test::open_in(where);
  const auto insert = [&](const std::string& id) {
    return change(*db, [&](session& s) {
      insert_account(s, {.id = id, .name = "anna", .password = "", .created_s = 0});
    });
  };
  ASSERT_TRUE(insert("1"));
  const auto again = insert("2");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, errc::conflict);
}

TEST(accounts, tokens_that_expired_go) {
  test::folder where;
  auto db = test::open_in(where);
  ASSERT_TRUE(change(*db, [](session& s) {
    insert_account(s, {.id = "1", .name = "anna", .password = "", .created_s = 0});
    for (const int expires : {9, 10, 11}) {
      auto token = token_of(std::to_string(expires), "1");
      token.expires_s = expires;
      insert_token(s, token);
    }
    insert_token(s, token_of("never", "1"));
    remove_expired_tokens(s, 10);
  }));
  std::vector<std::string> left;
  const auto tokens = db->read([](session& s) { return all_tokens(s); });
  for (const auto& token : *tokens) left.push_back(token.id);
  EXPECT_THAT(left, ElementsAre("11", "never"));
}

TEST(accounts, may_own_uploads) {
  test::folder where;
  auto db = test::open_in(where);
  ASSERT_TRUE(change(*db, [](session& s) {
    upload_row row;
    row.id = "u";
    row.owner = "anna's id";
    insert_upload(s, row);
    EXPECT_EQ(find_upload(s, "u")->owner, row.owner);
  }));
}

}  // namespace
}  // namespace sluice::catalog
