#include "net/direct_key.h"

#include <openssl/rand.h>
#include <openssl/sha.h>

#include <cctype>
#include <string>

namespace sluice::net {
namespace {

// Crockford's base 32: none of its symbols looks like another.
constexpr std::string_view alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
// Nothing else is ever made of the same key.
constexpr std::string_view purpose = "sluice direct 1\n";

// '\0': no symbol at all.
char symbol_of(char typed) {
  const char c = static_cast<char>(std::tolower(static_cast<unsigned char>(typed)));
  if (c == 'o') return '0';
  if (c == 'i' || c == 'l') return '1';
  return alphabet.find(c) == std::string_view::npos ? '\0' : c;
}

base::secret in_groups(std::string&& symbols) {
  std::string text;
  text.reserve(symbols.size() + symbols.size() / direct_key::group);
  for (std::size_t at = 0; at < symbols.size(); at += direct_key::group) {
    if (at > 0) text += '-';
    text += std::string_view(symbols).substr(at, direct_key::group);
  }
  base::wipe(symbols);
  return base::secret(std::move(text));
}

}  // namespace

result<direct_key> direct_key::make() {
  std::array<unsigned char, symbols> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) {
    return fail(errc::internal, "make a key: the system has no random numbers");
  }
  std::string text;
  text.reserve(symbols);
  for (const unsigned char each : random) text += alphabet[each % alphabet.size()];
  return direct_key(in_groups(std::move(text)));
}

result<direct_key> direct_key::parse(std::string_view text) {
  std::string found;
  found.reserve(symbols + 1);
  bool is_clean = true;
  for (const char c : text) {
    if (c == '-' || c == ' ') continue;
    const char symbol = symbol_of(c);
    is_clean = is_clean && symbol != '\0' && found.size() < symbols;
    if (is_clean) found += symbol;
  }
  if (is_clean && found.size() == symbols) return direct_key(in_groups(std::move(found)));
  base::wipe(found);
  return fail(errc::invalid_argument,
              "read the key: it has 25 letters and digits, as the side that listens prints them");
}

direct_key::pre_shared direct_key::derive() const {
  std::string text(purpose);
  text.reserve(purpose.size() + text_.size());
  for (const char c : text_.reveal()) {
    if (c != '-') text += c;
  }
  pre_shared made{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), made.data());
  base::wipe(text);
  return made;
}

}  // namespace sluice::net
