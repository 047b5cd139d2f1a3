#include "net/tls_certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace sluice::net {
namespace {

struct parsed_certificate {
  explicit parsed_certificate(const std::string& pem) {
    BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    x509 = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
  }
  ~parsed_certificate() { X509_free(x509); }
  parsed_certificate(const parsed_certificate&) = delete;
  parsed_certificate& operator=(const parsed_certificate&) = delete;
  X509* x509 = nullptr;
};

TEST(Certificate, is_made_for_names_and_addresses) {
  const auto made = make_self_signed({"nas.example", "192.0.2.7", "::1", "bad,name", ""});
  ASSERT_TRUE(made) << made.error().message();
  const parsed_certificate read(made->certificate_pem);
  ASSERT_NE(read.x509, nullptr);
  EXPECT_EQ(X509_check_host(read.x509, "nas.example", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_host(read.x509, "other.example", 0, 0, nullptr), 0);
  EXPECT_EQ(X509_check_ip_asc(read.x509, "192.0.2.7", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(read.x509, "::1", 0), 1);
  EXPECT_EQ(X509_verify(read.x509, X509_get0_pubkey(read.x509)), 1);
  EXPECT_THAT(made->key_pem, testing::StartsWith("-----BEGIN PRIVATE KEY-----"));
  EXPECT_THAT(fingerprint_of(*read.x509), testing::MatchesRegex("SHA256:[0-9a-f]{64}"));
}

TEST(Certificate, is_another_one_each_time) {
  const auto one = make_self_signed({"a"});
  const auto other = make_self_signed({"a"});
  ASSERT_TRUE(one && other);
  EXPECT_NE(one->certificate_pem, other->certificate_pem);
  EXPECT_NE(one->key_pem, other->key_pem);
}

TEST(Fingerprint, is_read_as_people_have_it) {
  const std::string digits = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
  const std::string colons =
      "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
      "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF";
  for (const auto& text : {digits, "SHA256:" + digits, "sha256:" + digits, colons}) {
    EXPECT_EQ(parse_fingerprint(text), result<std::string>("SHA256:" + digits)) << text;
  }
  for (const auto& text : {std::string(), std::string("SHA256:"), digits.substr(1), digits + "0",
                           "MD5:" + digits, "x" + digits.substr(1), "SHA256:SHA256:" + digits}) {
    const auto refused = parse_fingerprint(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, errc::invalid_argument);
  }
}

}  // namespace
}  // namespace sluice::net
