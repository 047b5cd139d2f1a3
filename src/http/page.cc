#include "http/page.h"

#include <algorithm>

#include "http/conditions.h"
#include "http/page_assets.h"
#include "http/syntax.h"

namespace sluice::http {
namespace {

// No script but the page's own files, nothing from elsewhere, and no frame around it. WebAssembly
// computes digests in a worker, which has the policy of its own file: this one, too.
constexpr std::string_view page_policy =
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
    "img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; worker-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

constexpr std::string_view not_wanted =
    "camera=(), microphone=(), geolocation=(), payment=(), usb=(), midi=(), serial=()";

const page_asset* find_asset(std::string_view path) {
  const auto all = page_assets();
  const auto found = std::ranges::lower_bound(all, path, {}, &page_asset::path);
  return found != all.end() && found->path == path ? &*found : nullptr;
}

// "gzip, br;q=0.5" takes both, "br;q=0" does not take br (RFC 9110, 12.5.3).
bool takes(std::string_view accepted, std::string_view coding) {
  while (!accepted.empty()) {
    const auto end = accepted.find(',');
    const auto item = accepted.substr(0, end);
    const auto name = trim(item.substr(0, item.find(';')));
    if (equals_ignoring_case(name, coding)) {
      const auto weight = item.find("q=");
      return weight == std::string_view::npos ||
             item.find_first_of("123456789", weight) != std::string_view::npos;
    }
    if (end == std::string_view::npos) break;
    accepted.remove_prefix(end + 1);
  }
  return false;
}

struct form {
  std::string_view bytes;
  std::string_view coding;  // "" of the plain one
};

form best_form(const page_asset& what, std::string_view accepted) {
  if (!what.brotli.empty() && takes(accepted, "br")) return {what.brotli, "br"};
  if (!what.gzip.empty() && takes(accepted, "gzip")) return {what.gzip, "gzip"};
  return {what.plain, ""};
}

awaitable<result<void>> send_asset(exchange& now, const page_asset& what, bool changes) {
  const auto& asked = now.asked();
  // What answers to "/" is short, and no scanner needs to ask whether it could tell secrets by its
  // compressed length (BREACH); the page's files have none.
  const auto chosen =
      changes ? form{what.plain, ""} : best_form(what, asked.field("Accept-Encoding"));
  const auto ending = chosen.coding.empty() ? std::string() : "-" + std::string(chosen.coding);
  const std::string tag = '"' + std::string(what.tag) + ending + '"';
  const bool same = asked.has("If-None-Match") && matches(asked.field("If-None-Match"), tag, true);
  response head(same ? status::not_modified : status::ok);
  head.add("ETag", tag)
      .add("Vary", "Accept-Encoding")
      .add("Cache-Control", changes ? "no-cache" : "public, max-age=31536000, immutable")
      .add("Content-Security-Policy", page_policy)
      .add("Cross-Origin-Opener-Policy", "same-origin")
      .add("Cross-Origin-Resource-Policy", "same-origin")
      .add("Permissions-Policy", not_wanted)
      .add("X-Frame-Options", "DENY");
  if (same) co_return co_await now.send(head);
  head.add("Content-Type", what.type);
  if (!chosen.coding.empty()) head.add("Content-Encoding", chosen.coding);
  now.begin(head, chosen.bytes.size());
  const std::span<const char> bytes(chosen.bytes);
  const auto written = co_await now.write(std::as_bytes(bytes));
  if (!written) co_return written;
  co_return co_await now.end();
}

}  // namespace

awaitable<result<void>> page_document(exchange& now, service& /*shared*/) {
  co_return co_await send_asset(now, *find_asset("/index.html"), true);
}

awaitable<result<void>> page_file(exchange& now, service& /*shared*/) {
  const auto* found = find_asset(now.asked().path);
  if (found == nullptr) {
    const problem absent(status::not_found, "there is nothing under " + now.asked().path);
    co_return co_await now.refuse(absent);
  }
  co_return co_await send_asset(now, *found, false);
}

}  // namespace sluice::http
