#include "access/token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "access/password.h"

namespace sluice::access {
namespace {

TEST(token, is_told_once_and_kept_as_a_digest) {
  const auto made = make_token();
  EXPECT_THAT(std::string(made.reveal()), testing::MatchesRegex("sluice_[A-Za-z0-9_-]{43}"));
  const auto digest = digest_of_token(made.reveal());
  ASSERT_TRUE(digest);
  EXPECT_TRUE(same_digest(*digest, *digest_of_token(made.reveal())));
  EXPECT_FALSE(same_digest(*digest, *digest_of_token(make_token().reveal())));
}

TEST(token, is_another_one_each_time) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(std::string(make_token().reveal()));
  EXPECT_EQ(seen.size(), 1000U);
}

// Of 32 bytes of zero, made with another program: printf the prefix, then base64url of the bytes.
TEST(token, digests_are_sha256_of_the_random_bytes) {
  const auto digest = digest_of_token("sluice_" + std::string(43, 'A'));
  ASSERT_TRUE(digest);
  EXPECT_EQ(std::to_integer<int>((*digest)[0]), 0x66);  // 66687aad f862bd77 ...
  EXPECT_EQ(std::to_integer<int>((*digest)[1]), 0x68);
  EXPECT_EQ(std::to_integer<int>((*digest)[31]), 0x25);
}

TEST(token, nothing_else_is_one) {
  const std::string good(make_token().reveal());
  for (const auto& text :
       {std::string(), std::string("sluice_"), good.substr(7), good + "A", good.substr(0, 49),
        "Sluice_" + good.substr(7), good.substr(0, 20) + "+" + good.substr(21),
        good.substr(0, 20) + " " + good.substr(21), good.substr(0, 49) + "=",
        std::string(100'000, 'A')}) {
    EXPECT_FALSE(digest_of_token(text)) << text.substr(0, 60);
  }
}

TEST(password, matches_its_own_hash_and_no_other) {
  const auto password = base::secret::copy_of("correct horse");
  const auto hash = hash_password(password);
  ASSERT_TRUE(hash);
  EXPECT_THAT(*hash, testing::StartsWith("$argon2id$v=19$m=19456,t=2,p=1$"));
  EXPECT_TRUE(matches(*hash, password));
  EXPECT_FALSE(matches(*hash, base::secret::copy_of("correct hors")));
  EXPECT_FALSE(matches(hash_of_nobody(), password));
  EXPECT_FALSE(matches("", base::secret()));
  EXPECT_FALSE(matches("nonsense", password));
  EXPECT_THAT(hash_of_nobody(), testing::StartsWith("$argon2id$v=19$m=19456,t=2,p=1$"));
}

TEST(password, has_a_length) {
  EXPECT_FALSE(hash_password(base::secret(std::string(7, 'x'))));
  EXPECT_TRUE(hash_password(base::secret(std::string(8, 'x'))));
  EXPECT_TRUE(hash_password(base::secret(std::string(1024, 'x'))));
  EXPECT_FALSE(hash_password(base::secret(std::string(1025, 'x'))));
}

}  // namespace
}  // namespace sluice::access
