// GET and HEAD of a file: RFC 9110, 8 (representation), 13 (conditions), 14 (ranges).
#include <fmt/format.h>

#include <ctime>
#include <random>

#include "base/log.h"
#include "http/archive.h"
#include "http/conditions.h"
#include "http/files.h"
#include "http/media_type.h"
#include "http/ranges.h"
#include "http/structured_fields.h"
#include "http/time.h"

namespace sluice::http {
namespace {

constexpr fixed_fields always_asked_again("Cache-Control: no-cache\r\n");
// And what a browser may do with content that it shows in place.
constexpr fixed_fields of_a_file(
    "Accept-Ranges: bytes\r\n"
    "Content-Security-Policy: default-src 'none'; img-src 'self'; media-src 'self'; "
    "style-src 'unsafe-inline'\r\n");

struct representation {
  std::shared_ptr<const store::content> file;
  media_type type;
  validators tags;
  std::string digest{};  // the value of Repr-Digest, where it is wanted and could be had
  std::int64_t now_s = 0;

  [[nodiscard]] std::uint64_t size_bytes() const { return file->info().size_bytes; }
};

representation describe(std::shared_ptr<const store::content> file) {
  representation found;
  found.now_s = std::time(nullptr);
  found.tags = validators_of(file->info(), found.now_s);
  found.type = media_type_of(file->info().name);
  found.file = std::move(file);
  return found;
}

void add_validators(response& head, const representation& what) {
  head.add("ETag", what.tags.etag)
      .add("Last-Modified", http_date(what.tags.last_modified))
      .add(always_asked_again);
}

void add_description(response& head, const representation& what) {
  add_validators(head, what);
  head.add(of_a_file).add("Content-Disposition",
                          disposition(what.file->info().name, what.type.is_inline));
  if (!what.digest.empty()) head.add("Repr-Digest", what.digest);
}

// RFC 9530, 4: a preference from 1 to 10; 0 means "not this one".
bool wants_sha256(const request& asked) {
  if (!asked.has("Want-Repr-Digest")) return false;
  const auto wishes = parse_sf_dictionary(asked.field("Want-Repr-Digest"));
  if (!wishes) return false;
  const auto* wish = find_member(*wishes, "sha-256");
  const auto* preference = wish != nullptr ? std::get_if<std::int64_t>(wish) : nullptr;
  return preference != nullptr && *preference > 0;
}

std::string digest_field(const catalog::sha256_digest& digest) {
  std::string bytes;
  for (const auto byte : digest) bytes += static_cast<char>(byte);
  return "sha-256=" + sf_byte_sequence(bytes);
}

// On record, or computed now. It is a wish: where it cannot be granted, the answer has none.
awaitable<void> add_digest(exchange& now, service& shared, representation& what) {
  const auto known = co_await net::on_pool(shared.pool, [&shared, &what] {
    return shared.downloads.known_sha256(std::span(&what.file->info(), 1));
  });
  if (known && known->front()) what.digest = digest_field(*known->front());
  if (!what.digest.empty()) co_return;
  const auto place = shared.digests.try_take();
  if (!place) co_return;
  auto digest = shared.downloads.begin_sha256(what.file);
  for (;;) {
    const auto done = co_await net::on_pool(shared.pool, [&digest] { return digest.step(); });
    if (!done) {
      base::log_warning("{}", done.error().message());
      co_return;
    }
    if (*done) break;
    if (now.client_left() || shared.closing) co_return;
  }
  what.digest = digest_field(digest.digest());
}

using opened_file = result<std::shared_ptr<const store::content>>;

result<transfer::downloads::allowed> permit(const exchange& now) {
  return now.permit<base::right::take>(now.asked().below("/files/"));
}

// What was read lately needs no disk to be opened, and so no other thread; nullopt: it does.
std::optional<opened_file> try_open(const exchange& now, service& shared) {
  const auto asked = permit(now);
  if (!asked) return std::unexpected(asked.error());
  return shared.downloads.try_open_content(*asked);
}

opened_file open(const exchange& now, service& shared) {
  const auto asked = permit(now);
  if (!asked) return std::unexpected(asked.error());
  return shared.downloads.open_content(*asked);
}

std::string content_range(const byte_range& part, std::uint64_t size_bytes) {
  return fmt::format("bytes {}-{}/{}", part.offset, part.offset + part.size_bytes - 1, size_bytes);
}

response unsatisfiable(const representation& what) {
  response refused(problem(status::range_not_satisfiable,
                           "no range of it, over 8 ranges, or ranges that overlap"));
  refused.add("Content-Range", fmt::format("bytes */{}", what.size_bytes()));
  add_validators(refused, what);
  return refused;
}

// All of the file; the last piece only while it is the file that was promised.
awaitable<result<void>> write_whole(exchange& now, std::shared_ptr<const store::content> file) {
  const std::uint64_t size_bytes = file->info().size_bytes;
  const std::uint64_t held_back = size_bytes % base::block_bytes;
  if (size_bytes >= base::block_bytes) {
    const auto sent = co_await now.write_file(*file, 0, size_bytes - held_back);
    if (!sent) co_return sent;
    if (auto same = file->check_unchanged(); !same) co_return same;
  }
  const auto gone = now.write_file_now(*file, size_bytes - held_back, held_back);
  if (!gone) co_return std::unexpected(gone.error());
  if (now.end_now()) co_return result<void>{};
  const auto sent =
      co_await now.write_file(*file, size_bytes - held_back + *gone, held_back - *gone);
  if (!sent) co_return sent;
  co_return co_await now.end();
}

awaitable<result<void>> send_whole(exchange& now, const representation& what) {
  response head(status::ok);
  add_description(head, what);
  head.add("Content-Type", what.type.name);
  now.begin(head, what.size_bytes());
  return write_whole(now, what.file);
}

awaitable<result<void>> send_one_part(exchange& now, representation what, byte_range part) {
  response head(status::partial_content);
  add_description(head, what);
  head.add("Content-Type", what.type.name)
      .add("Content-Range", content_range(part, what.size_bytes()));
  now.begin(head, part.size_bytes);
  const auto sent = co_await now.write_file(*what.file, part.offset, part.size_bytes);
  if (!sent) co_return sent;
  co_return co_await now.end();
}

std::string new_boundary() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}", random(), random(), random());
}

awaitable<result<void>> send_parts(exchange& now, representation what,
                                   std::vector<byte_range> parts) {
  const std::string boundary = new_boundary();
  const std::string closing = "\r\n--" + boundary + "--\r\n";
  std::vector<std::string> heads;
  std::uint64_t total = closing.size();
  for (const auto& part : parts) {
    heads.push_back(fmt::format("\r\n--{}\r\nContent-Type: {}\r\nContent-Range: {}\r\n\r\n",
                                boundary, what.type.name, content_range(part, what.size_bytes())));
    total += heads.back().size() + part.size_bytes;
  }
  response head(status::partial_content);
  add_description(head, what);
  head.add("Content-Type", "multipart/byteranges; boundary=" + boundary);
  now.begin(head, total);
  result<void> sent;
  for (std::size_t i = 0; sent && i < parts.size(); ++i) {
    const std::span<const char> text(heads[i]);
    sent = co_await now.write(std::as_bytes(text));
    if (sent) sent = co_await now.write_file(*what.file, parts[i].offset, parts[i].size_bytes);
  }
  if (!sent) co_return sent;
  const std::span<const char> text(closing);
  sent = co_await now.write(std::as_bytes(text));
  if (!sent) co_return sent;
  co_return co_await now.end();
}

awaitable<result<void>> send_content(exchange& now, representation&& what) {
  const request& asked = now.asked();
  range_answer answer;
  if (asked.method == "GET" && asked.has("Range") && range_counts(asked, what.tags, what.now_s)) {
    answer = parse_range(asked.field("Range"), what.size_bytes());
  }
  switch (answer.what) {
    case range_answer::kind::whole: return send_whole(now, what);
    case range_answer::kind::unsatisfiable: return now.answer(unsatisfiable(what));
    case range_answer::kind::parts: break;
  }
  if (answer.parts.size() > 1) return send_parts(now, std::move(what), std::move(answer.parts));
  return send_one_part(now, std::move(what), answer.parts.front());
}

awaitable<result<void>> send_with_digest(exchange& now, service& shared, representation what) {
  co_await add_digest(now, shared, what);
  auto sending = send_content(now, std::move(what));
  co_return co_await std::move(sending);
}

awaitable<result<void>> end_with(error why) { co_return std::unexpected(std::move(why)); }

awaitable<result<void>> send_file(exchange& now, service& shared, opened_file file) {
  if (!file && file.error().code == errc::not_a_file) {
    return now.answer(problem(status::not_found, now.asked().path + " is no file"));
  }
  if (!file) return end_with(file.error());
  representation what = describe(std::move(*file));
  switch (judge(now.asked(), what.tags)) {
    case verdict::go_on: break;
    case verdict::not_modified: {
      response same(status::not_modified);
      add_validators(same, what);
      return now.answer(std::move(same));
    }
    case verdict::failed: {
      response failed(problem(status::precondition_failed, "the file is another one by now"));
      add_validators(failed, what);
      return now.answer(std::move(failed));
    }
  }
  if (wants_sha256(now.asked())) return send_with_digest(now, shared, std::move(what));
  return send_content(now, std::move(what));
}

awaitable<result<void>> open_and_send(exchange& now, service& shared) {
  auto file = co_await net::on_pool(shared.pool, [&now, &shared] { return open(now, shared); });
  auto sending = send_file(now, shared, std::move(file));
  co_return co_await std::move(sending);
}

}  // namespace

// Only what may have to wait is a coroutine, here and above: a small file costs more of them than
// of anything else.
awaitable<result<void>> get_file(exchange& now, service& shared) {
  if (now.asked().parameter("archive")) return get_archive(now, shared);
  if (auto opened = try_open(now, shared)) return send_file(now, shared, std::move(*opened));
  return open_and_send(now, shared);
}

}  // namespace sluice::http
