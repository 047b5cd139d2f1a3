// PUT of a whole file (RFC 9110, 9.3.4), and DELETE (9.3.5).
#include <boost/asio/post.hpp>
#include <chrono>
#include <ctime>

#include "base/log.h"
#include "http/conditions.h"
#include "http/files.h"
#include "http/put_digests.h"
#include "http/resumable_body.h"
#include "http/syntax.h"
#include "http/target.h"
#include "http/time.h"
#include "net/buffers.h"

namespace sluice::http {
namespace {

using base::right;
using place = transfer::allowed_place<right::give>;

std::unexpected<problem> refuse(status code, std::string what) {
  return std::unexpected(problem(code, std::move(what)));
}

// What the request wants, held against what is there.
struct wish {
  place path;
  std::optional<catalog::replaced_file> replaces{};
  std::int64_t mtime_ns = 0;
  claimed_digests digests{};
};

std::int64_t now_ns() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since).count();
}

// What is wrong with the request whatever is there.
parsed<wish> read_wish(const exchange& now) {
  const request& asked = now.asked();
  if (asked.path.ends_with('/')) return refuse(status::conflict, asked.path + " names a folder");
  auto to = now.permit<right::give>(asked.below("/files/"));
  if (!to) return std::unexpected(to_problem(to.error()));
  auto path = place::of(std::move(*to));
  if (!path) return std::unexpected(to_problem(path.error()));
  if (asked.has("Content-Range")) {
    return refuse(status::bad_request, "PUT takes a whole file and no Content-Range");
  }
  const std::string coding = asked.field("Content-Encoding");
  if (!coding.empty() && !equals_ignoring_case(coding, "identity")) {
    return refuse(status::unsupported_media_type,
                  "content is stored as it comes: send it without Content-Encoding");
  }
  auto digests = claimed_digests::read(asked);
  if (!digests) return std::unexpected(digests.error());
  return wish{.path = std::move(*path), .mtime_ns = now_ns(), .digests = std::move(*digests)};
}

// Who may give and not see finds out by trying whether the name is free.
result<std::optional<store::entry>> find(transfer::tree& tree, const exchange& now,
                                         const std::string& path) {
  const auto seen = now.try_permit<right::see>(path);
  const bool is_conditional = now.asked().has("If-Match") || now.asked().has("If-None-Match") ||
                              now.asked().has("If-Unmodified-Since");
  if (!seen && is_conditional) {
    return std::unexpected(base::refusal(*now.caller(), right::see, path));
  }
  if (!seen) return std::nullopt;
  auto there = tree.stat(*seen);
  if (!there && there.error().code == errc::not_found) return std::nullopt;
  if (!there) return std::unexpected(there.error());
  return std::optional(std::move(*there));
}

// RFC 9110, 13.2.2, and that nothing is overwritten unless the request says what.
parsed<void> check_place(const request& asked, const std::optional<store::entry>& there) {
  std::optional<validators> current;
  if (there && there->kind == store::entry_kind::file) {
    current = validators_of(*there, std::time(nullptr));
  }
  if (judge(asked, current) == verdict::failed) {
    return refuse(status::precondition_failed,
                  there ? "something else is there by now" : "nothing is there");
  }
  if (there && !current) return refuse(status::conflict, asked.path + " is a folder");
  if (current && !asked.has("If-Match") && !asked.has("If-Unmodified-Since")) {
    return refuse(status::conflict, asked.path + " is taken; If-Match: " + current->etag +
                                        " says that it may be replaced");
  }
  return {};
}

// The name was taken after all, by somebody who was faster.
problem explain_failure(const request& asked, const error& why) {
  const bool was_conditional = asked.has("If-Match") || asked.has("If-None-Match");
  const bool is_late = why.code == errc::exists || why.code == errc::conflict;
  if (was_conditional && is_late) return {status::precondition_failed, why.message()};
  return to_problem(why);
}

struct small_job {
  explicit small_job(const place& to) : wanted(to.by()) {}

  transfer::small_file wanted;
  base::pooled_buffer buffer;
  std::size_t size_bytes = 0;
  claimed_digests claims;
};

void store_now(transfer::small_files& into, small_job& job, transfer::entry_callback done) {
  const auto content = job.size_bytes == 0
                           ? std::span<const std::byte>()
                           : std::span<const std::byte>(job.buffer.bytes()).first(job.size_bytes);
  auto digests = job.claims.begin();
  for (auto& each : digests) each.update(content);
  if (auto fine = job.claims.check(digests); !fine) return done(std::unexpected(fine.error()));
  into.put(job.wanted, content, base::digest_of(content), std::move(done));
}

// Together with others, see transfer/small_files.h.
awaitable<result<store::entry>> store_small(service& shared, std::shared_ptr<small_job> job) {
  using outcome = result<store::entry>;
  const auto start = [&shared, &job](const auto& complete) {
    boost::asio::post(shared.pool, [job, complete, &into = shared.small_files] {
      store_now(into, *job, [complete](outcome stored) mutable { complete(std::move(stored)); });
      job->buffer.give_back();
    });
  };
  co_return co_await net::from_callback<outcome>(start);
}

// A body of at most a block that the kernel holds whole; `taken` is false where it does not.
awaitable<result<result<store::entry>>> take_small(exchange& now, service& shared,
                                                   const wish& wanted, bool& taken) {
  const std::size_t size_bytes = now.asked().content_length.value_or(0);
  taken = true;
  auto job = std::make_shared<small_job>(wanted.path);
  job->wanted.mtime_ns = wanted.mtime_ns;
  job->wanted.replaces = wanted.replaces;
  job->wanted.make_parents = true;
  job->size_bytes = size_bytes;
  job->claims = wanted.digests;
  if (size_bytes > 0) {
    const auto ready = co_await now.body_ready(size_bytes);
    if (!ready) co_return std::unexpected(ready.error());
    taken = now.body_here() >= size_bytes;
    if (!taken) co_return result<store::entry>(fail(errc::internal));
    auto buffer = co_await net::acquire(shared.buffers);
    if (!buffer) co_return result<store::entry>(std::unexpected(buffer.error()));
    job->buffer = std::move(*buffer);
    const auto got = co_await now.read_full(job->buffer.bytes().first(size_bytes));
    if (!got) co_return std::unexpected(got.error());
  }
  co_return co_await store_small(shared, job);
}

result<transfer::opened_upload> open_upload(transfer::uploads& uploads, const wish& wanted,
                                            std::optional<std::uint64_t> size_bytes) {
  transfer::upload_request request(wanted.path);
  request.size_bytes = size_bytes;
  request.mtime_ns = wanted.mtime_ns;
  request.replaces = wanted.replaces;
  request.make_parents = true;
  request.form = catalog::upload_form::serial;
  request.untold = true;
  return uploads.open(request);
}

// Receives all of the body; the outer result is what the connection said.
awaitable<result<result<void>>> fill(exchange& now, service& shared, const wish& wanted,
                                     const transfer::opened_upload& upload) {
  const auto writer = co_await take_over(now, shared, upload);
  if (!writer) co_return result<void>(std::unexpected(writer.error()));
  body_watch watch{.digests = wanted.digests.begin()};
  result<void> stored;
  const auto received = co_await receive_body(now, shared, **writer, watch, stored);
  if (!received) co_return std::unexpected(received.error());
  if (stored) stored = wanted.digests.check(watch.digests);
  if (stored && !now.asked().content_length) {
    stored = co_await net::on_pool(
        shared.pool, [&writer] { return (*writer)->declare_size((*writer)->offset()); });
  }
  if (stored) {
    const auto durable = co_await make_durable(*writer);
    if (!durable) stored = std::unexpected(durable.error());
  }
  co_return stored;
}

awaitable<result<result<store::entry>>> take_large(exchange& now, service& shared,
                                                   const wish& wanted) {
  const auto opened = co_await net::on_pool(shared.pool, [&shared, &wanted, &now] {
    return open_upload(shared.uploads, wanted, now.asked().content_length);
  });
  if (!opened) co_return result<store::entry>(std::unexpected(opened.error()));
  const auto& upload = opened->upload;
  const auto filled = co_await fill(now, shared, wanted, *opened);
  result<store::entry> outcome = fail(errc::cancelled);
  if (filled && *filled) outcome = co_await publish(shared, upload, opened->by);
  if (outcome) co_return outcome;
  const auto gone = co_await net::on_pool(shared.pool, [&upload] { return upload->abort(); });
  if (!gone) base::log_warning("throw away {}: {}", wanted.path.text(), gone.error().message());
  if (!filled) co_return std::unexpected(filled.error());
  if (!*filled) co_return result<store::entry>(std::unexpected(filled->error()));
  co_return outcome;
}

awaitable<result<result<store::entry>>> take_body(exchange& now, service& shared,
                                                  const wish& wanted) {
  const request& asked = now.asked();
  const bool is_small =
      !asked.has_body || (asked.content_length && *asked.content_length <= base::block_bytes);
  if (is_small) {
    bool taken = false;
    auto stored = co_await take_small(now, shared, wanted, taken);
    if (taken || !stored) co_return stored;
  }
  co_return co_await take_large(now, shared, wanted);
}

void add_validators(response& head, const store::entry& file) {
  const auto tags = validators_of(file, std::time(nullptr));
  head.add("ETag", tags.etag).add("Last-Modified", http_date(tags.last_modified));
}

}  // namespace

awaitable<result<void>> put_file(exchange& now, service& shared) {
  auto wanted = read_wish(now);
  if (!wanted) co_return co_await now.refuse(wanted.error());
  const auto there = co_await net::on_pool(shared.pool, [&shared, &now, &wanted] {
    return find(shared.tree, now, wanted->path.text());
  });
  if (!there) co_return std::unexpected(there.error());
  const auto fine = check_place(now.asked(), *there);
  if (!fine) co_return co_await now.refuse(fine.error());
  if (*there) {
    wanted->replaces = catalog::replaced_file{(*there)->size_bytes, (*there)->mtime_ns};
  }
  const auto stored = co_await take_body(now, shared, *wanted);
  if (!stored) co_return std::unexpected(stored.error());
  if (!*stored) {
    const auto why = explain_failure(now.asked(), stored->error());
    co_return co_await now.refuse(why);
  }
  response done(*there ? status::no_content : status::created);
  if (!*there) done.add("Location", percent_encode_path("/files/" + wanted->path.text()));
  add_validators(done, **stored);
  co_return co_await now.send(done);
}

awaitable<result<void>> delete_file(exchange& now, service& shared) {
  const std::string path(now.asked().below("/files/"));
  const auto asked = now.permit<right::change>(path);
  if (!asked) co_return std::unexpected(asked.error());
  const auto seen = now.permit<right::see>(path);
  if (!seen) co_return std::unexpected(seen.error());
  const auto there =
      co_await net::on_pool(shared.pool, [&shared, &seen] { return shared.tree.stat(*seen); });
  if (!there) co_return std::unexpected(there.error());
  if (there->kind == store::entry_kind::folder) {
    const problem folder(status::conflict,
                         now.asked().path + " is a folder; POST /api/remove removes folders");
    co_return co_await now.refuse(folder);
  }
  const auto current = validators_of(*there, std::time(nullptr));
  if (judge(now.asked(), current) == verdict::failed) {
    const problem other(status::precondition_failed, "something else is there by now");
    co_return co_await now.refuse(other);
  }
  const auto removed = co_await net::on_pool(
      shared.pool, [&shared, &asked] { return shared.tree.remove(*asked, false); });
  if (!removed) co_return removed;
  const response gone(status::no_content);
  co_return co_await now.send(gone);
}

}  // namespace sluice::http
