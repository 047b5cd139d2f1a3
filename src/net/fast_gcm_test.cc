#include "net/fast_gcm.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#include <array>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace sluice::net {
namespace {

using bytes = std::vector<unsigned char>;

struct deleter {
  void operator()(EVP_CIPHER* cipher) const noexcept { EVP_CIPHER_free(cipher); }
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};

// As libssl uses a cipher for the records of TLS 1.3.
class record_cipher {
 public:
  record_cipher(const std::string& name, const char* query, const bytes& key, bool encrypts)
      : cipher_(EVP_CIPHER_fetch(nullptr, name.c_str(), query)), encrypts_(encrypts) {
    EXPECT_EQ(EVP_CipherInit_ex(context_.get(), cipher_.get(), nullptr, nullptr, nullptr, encrypts),
              1);
    EXPECT_EQ(EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_IVLEN, 12, nullptr), 1);
    EXPECT_EQ(EVP_CipherInit_ex(context_.get(), nullptr, nullptr, key.data(), nullptr, -1), 1);
  }

  [[nodiscard]] const char* provider() const {
    return OSSL_PROVIDER_get0_name(EVP_CIPHER_get0_provider(cipher_.get()));
  }

  // In place; the tag is made, or held against what it has to be.
  bool run(const bytes& nonce, const bytes& head, bytes& content, bytes& tag) {
    int done = 0;
    int rest = 0;
    EVP_CIPHER_CTX* of = context_.get();
    if (EVP_CipherInit_ex(of, nullptr, nullptr, nullptr, nonce.data(), encrypts_) != 1)
      return false;
    if (!encrypts_ && EVP_CIPHER_CTX_ctrl(of, EVP_CTRL_AEAD_SET_TAG, 16, tag.data()) != 1) {
      return false;
    }
    if (EVP_CipherUpdate(of, nullptr, &done, head.data(), static_cast<int>(head.size())) != 1 ||
        EVP_CipherUpdate(of, content.data(), &done, content.data(),
                         static_cast<int>(content.size())) != 1 ||
        EVP_CipherFinal_ex(of, content.data() + done, &rest) != 1) {
      return false;
    }
    EXPECT_EQ(static_cast<std::size_t>(done + rest), content.size());
    return !encrypts_ || EVP_CIPHER_CTX_ctrl(of, EVP_CTRL_AEAD_GET_TAG, 16, tag.data()) == 1;
  }

 private:
  std::unique_ptr<EVP_CIPHER, deleter> cipher_;
  std::unique_ptr<EVP_CIPHER_CTX, deleter> context_{EVP_CIPHER_CTX_new()};
  bool encrypts_;
};

class FastGcm : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    if (fast_gcm_query() == nullptr) GTEST_SKIP() << "not with this build, or this processor";
  }
  bytes some(std::size_t size) {
    bytes made(size);
    for (auto& each : made) each = static_cast<unsigned char>(random_());
    return made;
  }
  [[nodiscard]] std::string name() const { return "AES-" + std::to_string(GetParam()) + "-GCM"; }
  bytes key() { return some(static_cast<std::size_t>(GetParam()) / 8); }

  unsigned seed_ = std::random_device()();
  testing::ScopedTrace trace_{__FILE__, __LINE__, "seed " + std::to_string(seed_)};
  std::mt19937 random_{seed_};
};

INSTANTIATE_TEST_SUITE_P(both, FastGcm, testing::Values(128, 256));

TEST_P(FastGcm, gives_what_openssl_gives) {
  const auto secret = key();
  record_cipher fast(name(), fast_gcm_query(), secret, true);
  record_cipher own(name(), "provider=default", secret, true);
  record_cipher back(name(), fast_gcm_query(), secret, false);
  EXPECT_STREQ(fast.provider(), "sluice");
  for (std::size_t i = 0; i < 500; ++i) {
    const auto nonce = some(12);
    const auto head = some(i % 3 == 0 ? 13 : 5);
    const auto content = some(i < 300 ? i + 1 : 1 + random_() % 16'385);
    bytes at_fast = content;
    bytes at_own = content;
    bytes tag(16);
    bytes own_tag(16);
    ASSERT_TRUE(fast.run(nonce, head, at_fast, tag));
    ASSERT_TRUE(own.run(nonce, head, at_own, own_tag));
    EXPECT_EQ(at_fast, at_own) << content.size();
    EXPECT_EQ(tag, own_tag) << content.size();
    ASSERT_TRUE(back.run(nonce, head, at_fast, tag));
    EXPECT_EQ(at_fast, content);
  }
}

TEST_P(FastGcm, notices_every_flipped_bit) {
  const auto secret = key();
  record_cipher fast(name(), fast_gcm_query(), secret, true);
  record_cipher back(name(), fast_gcm_query(), secret, false);
  const auto nonce = some(12);
  const auto head = some(5);
  bytes sealed = some(1000);
  bytes tag(16);
  ASSERT_TRUE(fast.run(nonce, head, sealed, tag));
  const auto opens = [&](bytes at_nonce, bytes at_head, bytes content, bytes at_tag) {
    return back.run(at_nonce, at_head, content, at_tag);
  };
  const auto flipped = [this](bytes of) {
    of[random_() % of.size()] ^= static_cast<unsigned char>(1U << random_() % 8);
    return of;
  };
  for (int i = 0; i < 200; ++i) {
    EXPECT_FALSE(opens(flipped(nonce), head, sealed, tag));
    EXPECT_FALSE(opens(nonce, flipped(head), sealed, tag));
    EXPECT_FALSE(opens(nonce, head, flipped(sealed), tag));
    EXPECT_FALSE(opens(nonce, head, sealed, flipped(tag)));
  }
  EXPECT_TRUE(opens(nonce, head, sealed, tag));
}

}  // namespace
}  // namespace sluice::net
