#include "client/sha256.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::client {
namespace {

constexpr std::string_view of_abc = "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:";

TEST(sha256, is_that_of_the_standard) {
  sha256_stream stream;
  const std::string abc = "abc";
  stream.update(std::as_bytes(std::span(abc).first(1)));
  (void)stream.value();  // more may follow
  stream.update(std::as_bytes(std::span(abc).subspan(1)));
  EXPECT_EQ(stream.value(), parse_repr_digest(of_abc));
  EXPECT_NE(sha256_stream().value(), parse_repr_digest(of_abc));
}

TEST(repr_digest, is_found_among_others) {
  EXPECT_TRUE(parse_repr_digest("sha-512=:AAAA:, " + std::string(of_abc) + ", md5=:AAAA:"));
}

TEST(repr_digest, that_is_none) {
  for (const auto* field : {"", "sha-256", "sha-256=:", "sha-256=:AAAA:", "sha-512=:AAAA:",
                            "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
                            "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0A:",
                            "sha-256=:ungWv48Bz pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:"}) {
    EXPECT_FALSE(parse_repr_digest(field)) << field;
  }
}

}  // namespace
}  // namespace sluice::client
