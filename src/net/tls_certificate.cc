#include "net/tls_certificate.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <cctype>

#include "base/bytes.h"
#include "net/tls_link.h"

namespace sluice::net {
namespace {

constexpr std::string_view prefix = "SHA256:";
constexpr std::size_t digest_bytes = 32;
constexpr int serial_bits = 159;
constexpr long an_hour_s = 3600;
constexpr int valid_days = 3650;

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using x509_ptr = std::unique_ptr<X509, freed_by<X509_free>>;
using number_ptr = std::unique_ptr<BIGNUM, freed_by<BN_free>>;
using bio_ptr = std::unique_ptr<BIO, freed_by<BIO_free>>;
using extension_ptr = std::unique_ptr<X509_EXTENSION, freed_by<X509_EXTENSION_free>>;

bool add_extension(X509& to, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, &to, &to, nullptr, nullptr, 0);
  const extension_ptr made(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  return made && X509_add_ext(&to, made.get(), -1) == 1;
}

// "DNS:nas,IP:192.0.2.1"; what could end a name early is left out.
std::string alternatives_of(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    const auto is_of_a_name = [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_' || c == ':';
    };
    if (name.empty() || !std::ranges::all_of(name, is_of_a_name)) continue;
    boost::system::error_code no_address;
    (void)boost::asio::ip::make_address(name, no_address);
    text += (text.empty() ? "" : ",") + std::string(no_address ? "DNS:" : "IP:") + name;
  }
  return text;
}

bool set_serial(X509& certificate) {
  const number_ptr number(BN_new());
  return number && BN_rand(number.get(), serial_bits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(&certificate)) != nullptr;
}

bool set_subject(X509& certificate) {
  static constexpr std::string_view name = "sluice";
  X509_NAME* subject = X509_get_subject_name(&certificate);
  return X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(name.data()),
                                    static_cast<int>(name.size()), -1, 0) == 1 &&
         X509_set_issuer_name(&certificate, subject) == 1;
}

bool fill(X509& certificate, EVP_PKEY& key, const std::vector<std::string>& names) {
  return X509_set_version(&certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
         X509_gmtime_adj(X509_getm_notBefore(&certificate), -an_hour_s) != nullptr &&
         X509_time_adj_ex(X509_getm_notAfter(&certificate), valid_days, 0, nullptr) != nullptr &&
         set_subject(certificate) && X509_set_pubkey(&certificate, &key) == 1 &&
         add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
         add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
         add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
         add_extension(certificate, NID_subject_key_identifier, "hash") &&
         add_extension(certificate, NID_subject_alt_name, alternatives_of(names)) &&
         X509_sign(&certificate, &key, EVP_sha256()) > 0;
}

std::string text_of(BIO& bio) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(&bio, &text);
  return {text, static_cast<std::size_t>(std::max(0L, size))};
}

}  // namespace

std::string fingerprint_of(const X509& certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (X509_digest(&certificate, EVP_sha256(), digest.data(), &size) != 1) return {};
  return std::string(prefix) + base::to_hex(std::as_bytes(std::span(digest).first(size)));
}

result<std::string> parse_fingerprint(std::string_view text) {
  std::string_view digits = text;
  const auto begin = digits.substr(0, prefix.size());
  if (std::ranges::equal(begin, prefix, {}, [](unsigned char c) { return std::toupper(c); })) {
    digits.remove_prefix(prefix.size());
  }
  std::string without_colons(digits);
  std::erase(without_colons, ':');
  std::array<std::byte, digest_bytes> digest{};
  if (base::from_hex(without_colons, digest)) return std::string(prefix) + base::to_hex(digest);
  return fail(errc::invalid_argument,
              "\"" + std::string(text) +
                  "\" is no fingerprint: SHA256: and 64 hexadecimal digits, as the server prints");
}

result<self_signed> make_self_signed(const std::vector<std::string>& names) {
  ERR_clear_error();
  const key_ptr key(EVP_EC_gen("P-256"));
  const x509_ptr certificate(X509_new());
  const bio_ptr of_key(BIO_new(BIO_s_mem()));
  const bio_ptr of_certificate(BIO_new(BIO_s_mem()));
  const bool made = key && certificate && of_key && of_certificate &&
                    fill(*certificate, *key, names) &&
                    PEM_write_bio_PKCS8PrivateKey(of_key.get(), key.get(), nullptr, nullptr, 0,
                                                  nullptr, nullptr) == 1 &&
                    PEM_write_bio_X509(of_certificate.get(), certificate.get()) == 1;
  if (!made) return fail(errc::internal, "make a certificate: " + take_tls_trouble());
  return self_signed{text_of(*of_certificate), text_of(*of_key)};
}

}  // namespace sluice::net
