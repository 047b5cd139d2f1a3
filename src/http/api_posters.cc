// Small pictures of what files show, which browsers make.
#include <array>
#include <ctime>

#include "http/api.h"
#include "http/api_json.h"
#include "http/conditions.h"
#include "http/jpeg.h"
#include "http/resumable_note.h"
#include "transfer/posters.h"

namespace sluice::http {
namespace {

using base::right;

constexpr std::size_t poster_bytes_max = std::size_t{64} << 10;
constexpr unsigned side_max = 1024;

std::unexpected<problem> refuse(status code, std::string why) {
  return std::unexpected(problem(code, "keep a picture: " + std::move(why)));
}

parsed<void> check_picture(std::span<const std::byte> bytes) {
  const auto size = size_of_jpeg(bytes);
  if (!size) return refuse(status::unsupported_media_type, "it is no JPEG");
  const auto [width, height] = *size;
  if (width == 0 || height == 0 || width > side_max || height > side_max) {
    return refuse(status::payload_too_large, "it has more than 1024 pixels a side, or none");
  }
  return {};
}

// The outer result is what the connection said.
awaitable<result<parsed<std::vector<std::byte>>>> read_picture(exchange& now) {
  using outcome = parsed<std::vector<std::byte>>;
  const auto length = now.asked().content_length;
  if (!length || *length > poster_bytes_max) {
    co_return outcome(refuse(status::payload_too_large, "it has more than 64 KiB, or no length"));
  }
  std::vector<std::byte> bytes(*length);
  const auto got = co_await now.read_full(bytes);
  if (!got) co_return std::unexpected(got.error());
  const auto fine = check_picture(bytes);
  if (!fine) co_return outcome(std::unexpected(fine.error()));
  co_return outcome(std::move(bytes));
}

result<store::entry> find_file(service& shared, const exchange& now, const std::string& path) {
  const auto seen = now.permit<right::see>(path);
  if (!seen) return std::unexpected(seen.error());
  return shared.tree.stat(*seen);
}

std::string etag_of(const store::entry& file) {
  return validators_of(file, std::time(nullptr)).etag;
}

// By who may change the file: of the content that If-Match names.
parsed<void> keep_as_editor(service& shared, const exchange& now, const std::string& path,
                            std::span<const std::byte> picture) {
  const auto what = now.permit<right::change>(path);
  if (!what) return std::unexpected(to_problem(what.error()));
  const auto file = find_file(shared, now, path);
  if (!file) return std::unexpected(to_problem(file.error()));
  if (!now.asked().has("If-Match")) {
    return refuse(status::precondition_required, "If-Match says which content it is of");
  }
  if (!matches(now.asked().field("If-Match"), etag_of(*file), false)) {
    return refuse(status::precondition_failed, "something else is there by now");
  }
  const auto kept = shared.posters.keep(*what, *file, picture);
  return kept ? parsed<void>() : std::unexpected(to_problem(kept.error()));
}

// By who brought the file, named by the upload.
parsed<void> keep_as_uploader(service& shared, const exchange& now, const std::string& upload,
                              std::span<const std::byte> picture) {
  if (!is_upload_id(upload)) return refuse(status::not_found, "there is no upload " + upload);
  const auto own = shared.uploads.join(upload, now.caller());
  if (!own) return std::unexpected(to_problem(own.error()));
  const auto kept = shared.posters.keep(*own, picture);
  return kept ? parsed<void>() : std::unexpected(to_problem(kept.error()));
}

struct found_poster {
  std::vector<std::byte> picture;
  std::string etag;
};

result<found_poster> find_poster(service& shared, const exchange& now, const std::string& path) {
  const auto what = now.permit<right::take>(path);
  if (!what) return std::unexpected(what.error());
  const auto file = find_file(shared, now, path);
  if (!file) return std::unexpected(file.error());
  auto picture = shared.posters.find(*what, *file);
  if (!picture) return std::unexpected(picture.error());
  if (picture->empty()) return fail(errc::not_found, "find a picture of " + path);
  return found_poster{std::move(*picture), etag_of(*file)};
}

}  // namespace

awaitable<result<void>> api_poster(exchange& now, service& shared) {
  const std::string path(now.asked().below("/api/posters/"));
  const auto found = co_await net::on_pool(
      shared.pool, [&shared, &now, &path] { return find_poster(shared, now, path); });
  if (!found) co_return std::unexpected(found.error());
  response answer(status::ok);
  answer.add("Cache-Control", "private, no-cache").add("ETag", found->etag);
  const std::string bytes(reinterpret_cast<const char*>(found->picture.data()),
                          found->picture.size());
  answer.with(bytes, "image/jpeg");
  co_return co_await now.send(answer);
}

awaitable<result<void>> api_keep_poster(exchange& now, service& shared) {
  const auto picture = co_await read_picture(now);
  if (!picture) co_return std::unexpected(picture.error());
  if (!*picture) co_return co_await now.refuse(picture->error());
  const std::string path(now.asked().below("/api/posters/"));
  const auto upload = now.asked().parameter("upload");
  const auto& bytes = **picture;
  const auto kept = co_await net::on_pool(shared.pool, [&shared, &now, &path, &upload, &bytes] {
    return upload ? keep_as_uploader(shared, now, std::string(*upload), bytes)
                  : keep_as_editor(shared, now, path, bytes);
  });
  if (!kept) co_return co_await now.refuse(kept.error());
  const response done(status::no_content);
  co_return co_await now.send(done);
}

}  // namespace sluice::http
