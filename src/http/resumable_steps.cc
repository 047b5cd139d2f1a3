#include "http/resumable_steps.h"

#include <algorithm>

#include "base/limits.h"
#include "http/structured_fields.h"

namespace sluice::http {
namespace {

constexpr std::uint64_t slice_bytes = std::uint64_t{64} << 20;  // read in one go on the pool

class interim_teller final : public progress_listener {
 public:
  explicit interim_teller(exchange& now) : now_(now) {}

  awaitable<result<void>> tell(std::uint64_t durable_bytes) override {
    response interim(status{104});
    interim.add("Upload-Draft-Interop-Version", std::to_string(resumable_interop_version))
        .add("Upload-Offset", std::to_string(durable_bytes));
    co_return co_await now_.send_interim(interim);
  }

 private:
  exchange& now_;
};

// The algorithms that the whole representation needs.
content_digests representation_digests(const incoming& what) {
  content_digests all;
  for (const auto& each : what.representation) {
    if (auto made = content_digest::of(each.algorithm)) all.push_back(std::move(*made));
  }
  const bool is_there = std::ranges::any_of(
      all, [&](const content_digest& each) { return each.algorithm() == what.wanted; });
  if (!what.wanted.empty() && !is_there) {
    if (auto made = content_digest::of(what.wanted)) all.push_back(std::move(*made));
  }
  return all;
}

std::vector<field_digest> finished(std::span<content_digest> all) {
  std::vector<field_digest> made;
  made.reserve(all.size());
  for (auto& each : all) made.push_back({each.algorithm(), each.finish()});
  return made;
}

// The algorithm of a digest that is not as it was told; "" where all are.
std::string find_mismatch(const std::vector<field_digest>& told,
                          const std::vector<field_digest>& seen) {
  for (const auto& expected : told) {
    const auto found = std::ranges::find(seen, expected.algorithm, &field_digest::algorithm);
    if (found == seen.end() || found->value != expected.value) return expected.algorithm;
  }
  return {};
}

problem wrong_digest(std::string_view field, const std::string& algorithm, std::string_view then) {
  return {status::bad_request, std::string(field) + ": the " + algorithm +
                                   " of what arrived is another one; " + std::string(then)};
}

// What came in requests before this one is read from the disk.
awaitable<result<std::vector<field_digest>>> read_digests_of(service& shared,
                                                             transfer::upload& upload,
                                                             std::uint64_t size_bytes,
                                                             const incoming& what) {
  auto digests = representation_digests(what);
  std::vector<std::byte> piece(base::block_bytes);
  for (std::uint64_t at = 0; at < size_bytes && !digests.empty();) {
    const auto end = std::min(size_bytes, at + slice_bytes);
    const auto read = co_await net::on_pool(shared.pool, [&]() -> result<void> {
      while (at < end) {
        const auto into = std::span(piece).first(std::min<std::uint64_t>(piece.size(), end - at));
        const auto got = upload.read(at, into);
        if (!got) return std::unexpected(got.error());
        if (*got != into.size()) return fail(errc::io, "read an upload again: it is shorter");
        for (auto& each : digests) each.update(into);
        at += into.size();
      }
      return {};
    });
    if (!read) co_return std::unexpected(read.error());
  }
  co_return finished(digests);
}

std::string as_field(const std::vector<field_digest>& digests) {
  std::string text;
  for (const auto& each : digests) {
    text += (text.empty() ? "" : ", ") + each.algorithm + "=" + sf_byte_sequence(each.value);
  }
  return text;
}

}  // namespace

awaitable<result<void>> resumable_refuse(exchange& now, const problem& why) {
  const response answer(why);
  co_return co_await now.send(answer);
}

awaitable<result<void>> resumable_refuse(exchange& now, const error& why) {
  const response answer(to_problem(why));
  co_return co_await now.send(answer);
}

std::string resumable_limit(const service& shared, std::int64_t idle_s) {
  return "max-size=" + std::to_string(resumable_bytes_max) +
         ", max-age=" + std::to_string(shared.uploads.time_left(idle_s).count());
}

awaitable<result<catalog::upload_row>> resumable_facts(exchange& now, service& shared) {
  using found = result<catalog::upload_row>;
  const auto id = resumable_upload_id(now.asked().path);
  if (!id) co_return found(fail(errc::not_found, "find the upload " + now.asked().path));
  co_return co_await net::on_pool(shared.pool, [&shared, &now, &id]() -> found {
    auto row = shared.uploads.facts(*id, now.caller());
    if (row && !upload_note::read(row->note, resumable_protocol)) {
      return fail(errc::not_found, "find the resumable upload " + *id);
    }
    return row;
  });
}

std::optional<problem> read_digests(const request& asked, const std::string& note, incoming& into) {
  const auto kept = upload_note::read(note, resumable_protocol);
  const auto read = [](std::string_view text, std::vector<field_digest>& digests) {
    if (text.empty()) return true;
    auto parsed = parse_digest_field(text);
    if (parsed) digests = std::move(*parsed);
    return parsed.has_value();
  };
  const std::string of_content = asked.field("Content-Digest");
  const std::string of_whole = kept ? std::string(kept->find("Repr-Digest")) : std::string();
  if (!read(of_content, into.content) || !read(of_whole, into.representation)) {
    return problem(status::bad_request, "read Content-Digest and Repr-Digest: one is malformed");
  }
  if (kept) into.wanted = preferred_algorithm(kept->find("Want-Repr-Digest"));
  return std::nullopt;
}

namespace {

// One request's content on its way. Lives in the coroutine of resumable_receive.
struct reception {
  exchange& now;
  service& shared;
  const std::shared_ptr<transfer::serial_writer>& writer;
  const incoming& what;
  body_watch watch{};
  std::size_t of_content = 0;  // the first so many digests
  bool has_whole = false;      // the others are of the whole representation
};

void choose_digests(reception& all) {
  for (const auto& each : all.what.content) {
    if (auto made = content_digest::of(each.algorithm)) {
      all.watch.digests.push_back(std::move(*made));
    }
  }
  all.of_content = all.watch.digests.size();
  if (all.of_content > 0) all.writer->hold_back();
  if (!all.what.completes || all.writer->offset() != 0) return;
  all.has_whole = true;
  for (auto& each : representation_digests(all.what)) {
    all.watch.digests.push_back(std::move(each));
  }
}

awaitable<void> drop(reception& all) {
  all.writer->give_up();
  const std::string id = all.writer->home().id();
  (void)co_await net::on_pool(
      all.shared.pool, [&all, &id] { return all.shared.uploads.remove(id, all.now.caller()); });
}

// An upload whose content goes beyond its length is no more (draft, 4.4.2).
awaitable<result<void>> refuse_stored(reception& all, const error& why) {
  if (why.code != errc::invalid_argument) co_return co_await resumable_refuse(all.now, why);
  co_await drop(all);
  const auto beyond = inconsistent_length(why.message() + "; the upload is no more");
  co_return co_await resumable_refuse(all.now, beyond);
}

awaitable<result<void>> answer_incomplete(reception& all) {
  const auto durable = co_await make_durable(all.writer);
  if (!durable) co_return co_await resumable_refuse(all.now, durable.error());
  response answer(all.what.creates ? status::created : status::no_content);
  answer.add("Upload-Complete", "?0").add("Upload-Offset", std::to_string(*durable));
  if (all.what.creates) {
    answer.add("Location", all.what.url).add("Upload-Limit", resumable_limit(all.shared, 0));
  }
  co_return co_await all.now.send(answer);
}

// From here on a refusal is the answer to the whole upload.
awaitable<result<void>> refuse_complete(reception& all, const problem& why) {
  response answer(why);
  answer.add("Upload-Complete", "?1");
  co_return co_await all.now.send(answer);
}

awaitable<result<std::vector<field_digest>>> whole_digests(reception& all) {
  if (all.has_whole) {
    co_return finished(std::span(all.watch.digests).subspan(all.of_content));
  }
  co_return co_await read_digests_of(all.shared, all.writer->home(), all.writer->offset(),
                                     all.what);
}

awaitable<result<void>> complete(reception& all) {
  const auto declared = co_await net::on_pool(
      all.shared.pool, [&all] { return all.writer->declare_size(all.writer->offset()); });
  if (!declared) {
    const auto why = inconsistent_length(declared.error().message());
    co_return co_await resumable_refuse(all.now, why);
  }
  const auto digests = co_await whole_digests(all);
  if (!digests) co_return co_await resumable_refuse(all.now, digests.error());
  if (const auto wrong = find_mismatch(all.what.representation, *digests); !wrong.empty()) {
    co_await drop(all);
    const auto why = wrong_digest("Repr-Digest", wrong, "the upload is no more");
    co_return co_await refuse_complete(all, why);
  }
  const auto home = all.writer->home().shared_from_this();
  const auto file = co_await publish(all.shared, home, all.writer->by());
  if (!file) {
    const auto why = to_problem(file.error());
    co_return co_await refuse_complete(all, why);
  }
  response answer(status::created);
  answer.add("Upload-Complete", "?1").add("Upload-Offset", std::to_string(file->size_bytes));
  if (!digests->empty()) answer.add("Repr-Digest", as_field(*digests));
  co_return co_await all.now.send(answer);
}

}  // namespace

awaitable<result<void>> resumable_receive(exchange& now, service& shared,
                                          const std::shared_ptr<transfer::serial_writer>& writer,
                                          const incoming& what) {
  reception all{now, shared, writer, what};
  choose_digests(all);
  interim_teller teller(now);
  if (what.fields.complete && what.fields.is_our_version) all.watch.progress = &teller;
  result<void> stored;
  const auto received = co_await receive_body(now, shared, *writer, all.watch, stored);
  if (!received) co_return received;
  if (!stored) co_return co_await refuse_stored(all, stored.error());
  const auto seen = finished(std::span(all.watch.digests).first(all.of_content));
  if (const auto wrong = find_mismatch(what.content, seen); !wrong.empty()) {
    const auto why = wrong_digest("Content-Digest", wrong, "nothing of it was kept");
    co_return co_await resumable_refuse(now, why);
  }
  const auto kept = co_await net::on_pool(shared.pool, [&writer] { return writer->keep(); });
  if (!kept) co_return co_await resumable_refuse(now, kept.error());
  if (!what.completes) co_return co_await answer_incomplete(all);
  co_return co_await complete(all);
}

}  // namespace sluice::http
