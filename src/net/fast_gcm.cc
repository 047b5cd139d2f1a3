// A provider of OpenSSL (provider-cipher(7)), built in. It does what TLS 1.3 does with a cipher: a
// nonce, the head of the record, the record at once, the tag. Everything else that is asked of it,
// TLS 1.2 among that, goes on to OpenSSL's own cipher, which has the same key.
#include "net/fast_gcm.h"

#include <intel-ipsec-mb.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace sluice::net {
namespace {

using byte = unsigned char;

constexpr std::size_t nonce_bytes = 12;
constexpr std::size_t tag_bytes = 16;
constexpr std::size_t head_bytes_max = 16;

constexpr const char* query = "?provider=sluice";

struct cipher_deleter {
  void operator()(EVP_CIPHER* cipher) const noexcept { EVP_CIPHER_free(cipher); }
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
using context_ptr = std::unique_ptr<EVP_CIPHER_CTX, cipher_deleter>;

// For the life of the process, as providers are.
struct library {
  IMB_MGR* functions = nullptr;  // that is all it is used for, so threads may share it
  EVP_CIPHER* own_128 = nullptr;
  EVP_CIPHER* own_256 = nullptr;
};

library& lib() {
  static library made;
  return made;
}

template <int Bits>
struct algorithm;

template <>
struct algorithm<128> {
  static EVP_CIPHER* own() { return lib().own_128; }
  static void expand(const byte* key, gcm_key_data& into) {
    IMB_AES128_GCM_PRE(lib().functions, key, &into);
  }
  static auto* cipher(bool encrypts) {
    return encrypts ? lib().functions->gcm128_enc : lib().functions->gcm128_dec;
  }
};

template <>
struct algorithm<256> {
  static EVP_CIPHER* own() { return lib().own_256; }
  static void expand(const byte* key, gcm_key_data& into) {
    IMB_AES256_GCM_PRE(lib().functions, key, &into);
  }
  static auto* cipher(bool encrypts) {
    return encrypts ? lib().functions->gcm256_enc : lib().functions->gcm256_dec;
  }
};

// What an EVP_CIPHER_CTX has.
template <int Bits>
class keyed {
 public:
  using aes = algorithm<Bits>;

  explicit keyed(context_ptr own) : own_(std::move(own)) {}
  ~keyed() {
    OPENSSL_cleanse(&key_, sizeof key_);
    OPENSSL_cleanse(&state_, sizeof state_);
  }
  keyed(const keyed&) = delete;
  keyed& operator=(const keyed&) = delete;

  static keyed* make() {
    context_ptr own(EVP_CIPHER_CTX_new());
    if (!own || EVP_CipherInit_ex2(own.get(), aes::own(), nullptr, nullptr, 1, nullptr) != 1) {
      return nullptr;
    }
    return new (std::nothrow) keyed(std::move(own));
  }

  int init(const byte* key, const byte* nonce, std::size_t size, bool encrypts,
           const OSSL_PARAM* params) {
    encrypts_ = encrypts;
    head_size_ = 0;
    is_done_ = false;
    if (nonce != nullptr && size == nonce_.size()) std::copy_n(nonce, size, nonce_.begin());
    if (nonce != nullptr && size != nonce_.size()) passes_on_ = true;
    if (key != nullptr) aes::expand(key, key_);
    if (key == nullptr && params == nullptr && !passes_on_) return 1;
    const int direction = encrypts ? 1 : 0;
    return EVP_CipherInit_ex2(own_.get(), nullptr, key, nonce, direction, params);
  }

  int update(byte* out, std::size_t* out_size, std::size_t room, const byte* in, std::size_t size) {
    if (passes_on_) return pass_on(out, out_size, in, size);
    *out_size = size;
    if (is_done_) return 0;
    if (out == nullptr) return add_head(in, size);
    if (room < size) return 0;
    std::array<byte, tag_bytes> tag{};
    aes::cipher(encrypts_)(&key_, &state_, out, in, size, nonce_.data(), head_.data(), head_size_,
                           tag.data(), tag.size());
    is_done_ = true;
    is_right_ = encrypts_ || CRYPTO_memcmp(tag.data(), tag_.data(), tag.size()) == 0;
    if (encrypts_) tag_ = tag;
    return 1;
  }

  int finish(byte* out, std::size_t* out_size) {
    *out_size = 0;
    if (!passes_on_) return is_done_ && is_right_ ? 1 : 0;
    int size = 0;
    const int outcome = EVP_CipherFinal_ex(own_.get(), out, &size);
    *out_size = static_cast<std::size_t>(size);
    return outcome;
  }

  // A whole record of TLS 1.2.
  int cipher(byte* out, std::size_t* out_size, const byte* in, std::size_t size) {
    if (!passes_on_) return 0;
    const int outcome = EVP_Cipher(own_.get(), out, in, static_cast<unsigned>(size));
    if (outcome < 0) return 0;
    *out_size = static_cast<std::size_t>(outcome);
    return 1;
  }

  int get(OSSL_PARAM* params) {
    OSSL_PARAM* tag = OSSL_PARAM_locate(params, OSSL_CIPHER_PARAM_AEAD_TAG);
    if (tag == nullptr || passes_on_) return EVP_CIPHER_CTX_get_params(own_.get(), params);
    if (!encrypts_ || !is_done_ || tag->data_size > tag_.size()) return 0;
    return OSSL_PARAM_set_octet_string(tag, tag_.data(), tag->data_size);
  }

  int set(const OSSL_PARAM* params) {
    const OSSL_PARAM* tag = OSSL_PARAM_locate_const(params, OSSL_CIPHER_PARAM_AEAD_TAG);
    if (OSSL_PARAM_locate_const(params, OSSL_CIPHER_PARAM_AEAD_TLS1_IV_FIXED) != nullptr) {
      passes_on_ = true;
    }
    const bool is_ours = tag != nullptr && tag->data != nullptr && !passes_on_;
    if (!is_ours) return EVP_CIPHER_CTX_set_params(own_.get(), params);
    if (tag->data_size != tag_.size()) return 0;
    std::copy_n(static_cast<const byte*>(tag->data), tag_.size(), tag_.begin());
    return 1;
  }

 private:
  int add_head(const byte* in, std::size_t size) {
    if (size > head_.size() - head_size_) return 0;
    std::copy_n(in, size, head_.begin() + static_cast<std::ptrdiff_t>(head_size_));
    head_size_ += size;
    return 1;
  }

  int pass_on(byte* out, std::size_t* out_size, const byte* in, std::size_t size) {
    int count = 0;
    const int outcome = EVP_CipherUpdate(own_.get(), out, &count, in, static_cast<int>(size));
    *out_size = static_cast<std::size_t>(count);
    return outcome;
  }

  context_ptr own_;
  alignas(64) gcm_key_data key_{};  // as the library reads it
  alignas(64) gcm_context_data state_{};
  std::array<byte, nonce_bytes> nonce_{};
  std::array<byte, head_bytes_max> head_{};
  std::array<byte, tag_bytes> tag_{};
  std::size_t head_size_ = 0;
  bool encrypts_ = true;
  bool passes_on_ = false;  // all, to OpenSSL's own
  bool is_done_ = false;    // the record, since the nonce
  bool is_right_ = false;
};

using function = void (*)();

template <class Function>
function as_function(Function* of) {
  return reinterpret_cast<function>(of);
}

// The table that provider-cipher(7) wants.
template <int Bits>
const OSSL_DISPATCH* functions() {
  using state = keyed<Bits>;
  static constexpr auto of = [](void* context) -> state& { return *static_cast<state*>(context); };
  static const OSSL_DISPATCH table[] = {
      {OSSL_FUNC_CIPHER_NEWCTX, as_function(+[](void*) -> void* { return state::make(); })},
      {OSSL_FUNC_CIPHER_FREECTX, as_function(+[](void* context) { delete &of(context); })},
      {OSSL_FUNC_CIPHER_ENCRYPT_INIT,
       as_function(+[](void* context, const byte* key, std::size_t, const byte* nonce,
                       std::size_t size, const OSSL_PARAM* params) {
         return of(context).init(key, nonce, size, true, params);
       })},
      {OSSL_FUNC_CIPHER_DECRYPT_INIT,
       as_function(+[](void* context, const byte* key, std::size_t, const byte* nonce,
                       std::size_t size, const OSSL_PARAM* params) {
         return of(context).init(key, nonce, size, false, params);
       })},
      {OSSL_FUNC_CIPHER_UPDATE,
       as_function(
           +[](void* context, byte* out, std::size_t* out_size, std::size_t room, const byte* in,
               std::size_t size) { return of(context).update(out, out_size, room, in, size); })},
      {OSSL_FUNC_CIPHER_FINAL,
       as_function(+[](void* context, byte* out, std::size_t* out_size, std::size_t) {
         return of(context).finish(out, out_size);
       })},
      {OSSL_FUNC_CIPHER_CIPHER,
       as_function(+[](void* context, byte* out, std::size_t* out_size, std::size_t, const byte* in,
                       std::size_t size) { return of(context).cipher(out, out_size, in, size); })},
      {OSSL_FUNC_CIPHER_GET_PARAMS, as_function(+[](OSSL_PARAM* params) {
         return EVP_CIPHER_get_params(algorithm<Bits>::own(), params);
       })},
      {OSSL_FUNC_CIPHER_GET_CTX_PARAMS,
       as_function(+[](void* context, OSSL_PARAM* params) { return of(context).get(params); })},
      {OSSL_FUNC_CIPHER_SET_CTX_PARAMS, as_function(+[](void* context, const OSSL_PARAM* params) {
         return of(context).set(params);
       })},
      {OSSL_FUNC_CIPHER_GETTABLE_CTX_PARAMS, as_function(+[](void*, void*) {
         return EVP_CIPHER_gettable_ctx_params(algorithm<Bits>::own());
       })},
      {OSSL_FUNC_CIPHER_SETTABLE_CTX_PARAMS, as_function(+[](void*, void*) {
         return EVP_CIPHER_settable_ctx_params(algorithm<Bits>::own());
       })},
      {0, nullptr}};
  return table;
}

const OSSL_ALGORITHM* algorithms(void*, int operation, int* no_cache) {
  static const OSSL_ALGORITHM ciphers[] = {
      {"AES-128-GCM:id-aes128-GCM", "provider=sluice", functions<128>(), nullptr},
      {"AES-256-GCM:id-aes256-GCM", "provider=sluice", functions<256>(), nullptr},
      {nullptr, nullptr, nullptr, nullptr}};
  *no_cache = 0;
  return operation == OSSL_OP_CIPHER ? ciphers : nullptr;
}

int start(const OSSL_CORE_HANDLE*, const OSSL_DISPATCH*, const OSSL_DISPATCH** ours,
          void** context) {
  static const OSSL_DISPATCH table[] = {
      {OSSL_FUNC_PROVIDER_QUERY_OPERATION, as_function(algorithms)}, {0, nullptr}};
  *ours = table;
  *context = &lib();
  return 1;
}

bool has_wide_instructions(const IMB_MGR& functions, IMB_ARCH found) {
  constexpr std::uint64_t wanted = IMB_FEATURE_VAES | IMB_FEATURE_VPCLMULQDQ;
  return found == IMB_ARCH_AVX512 && (functions.features & wanted) == wanted;
}

bool load() {
  library& made = lib();
  made.functions = alloc_mb_mgr(0);
  if (made.functions == nullptr) return false;
  IMB_ARCH found = IMB_ARCH_NONE;
  init_mb_mgr_auto(made.functions, &found);
  if (!has_wide_instructions(*made.functions, found)) return false;
  // Once one is loaded by name, OpenSSL's own has to be as well.
  if (OSSL_PROVIDER_load(nullptr, "default") == nullptr) return false;
  made.own_128 = EVP_CIPHER_fetch(nullptr, "AES-128-GCM", "provider=default");
  made.own_256 = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", "provider=default");
  return made.own_128 != nullptr && made.own_256 != nullptr &&
         OSSL_PROVIDER_add_builtin(nullptr, "sluice", start) == 1 &&
         OSSL_PROVIDER_load(nullptr, "sluice") != nullptr;
}

}  // namespace

const char* fast_gcm_query() {
  static const bool is_there = load();
  return is_there ? query : nullptr;
}

}  // namespace sluice::net
