// Uploads that are made of others (tus calls it concatenation).
//
// The digests of the whole's blocks are over other bytes than those of its parts, whose sizes are
// any: so the content is read once more in any case, held against the parts' digests on the way,
// and goes to the whole as if a client sent it. Broken off, it goes on at the durable offset.
#include <algorithm>
#include <future>

#include "base/buffer_pool.h"
#include "base/log.h"
#include "transfer/names.h"
#include "transfer/serial_upload.h"
#include "transfer/uploads.h"

namespace sluice::transfer {
namespace {

// The content of one part from some byte on, with each block held against its digest at its end.
class part_reader {
 public:
  explicit part_reader(upload& part) : part_(part), size_bytes_(part.size_bytes().value_or(0)) {}

  [[nodiscard]] std::uint64_t left() const noexcept { return size_bytes_ - offset_; }

  // What comes before is read all the same, for the digest.
  [[nodiscard]] result<void> skip_to(std::uint64_t offset) {
    offset_ = offset - offset % base::block_bytes;
    std::vector<std::byte> before(offset - offset_);
    return before.empty() ? result<void>() : read(before);
  }

  // At most `left()`, and all of it.
  [[nodiscard]] result<void> read(std::span<std::byte> out) {
    while (!out.empty()) {
      const auto to_end = base::block_bytes - offset_ % base::block_bytes;
      const auto now = out.first(std::min<std::size_t>(out.size(), to_end));
      auto got = part_.read(offset_, now);
      if (!got) return std::unexpected(got.error());
      if (*got != now.size()) return damaged();
      block_.update(now);
      offset_ += now.size();
      if (auto ended = end_block(); !ended) return ended;
      out = out.subspan(now.size());
    }
    return {};
  }

 private:
  [[nodiscard]] result<void> end_block() {
    if (offset_ % base::block_bytes != 0 && offset_ != size_bytes_) return {};
    const auto held = part_.held((offset_ - 1) / base::block_bytes, 1);
    if (held.empty() || held.front().digest != block_.digest()) return damaged();
    block_.reset();
    return {};
  }
  [[nodiscard]] std::unexpected<error> damaged() const {
    return fail(errc::io, "read part " + part_.id() + " before its byte " +
                              std::to_string(offset_) + ": it is not what was recorded");
  }

  upload& part_;
  const std::uint64_t size_bytes_;
  std::uint64_t offset_ = 0;
  base::digest_stream block_;
};

result<std::uint64_t> size_of(const std::vector<std::shared_ptr<upload>>& parts) {
  std::uint64_t sum = 0;
  for (const auto& part : parts) {
    const auto size = part->size_bytes().value_or(0);
    if (size > base::file_bytes_max - sum) {
      return fail(errc::invalid_argument, "join parts: together they are too large");
    }
    sum += size;
  }
  return sum;
}

}  // namespace

result<void> uploads::check_part(catalog::session& s, const std::string& id,
                                 const std::string& owner, std::set<std::string>& seen) {
  const std::string what = "join upload " + id + " as a part";
  if (!seen.insert(id).second) return fail(errc::invalid_argument, what + ": it is named twice");
  const auto row = catalog::find_upload(s, id);
  if (!row || row->owner != owner) return fail(errc::not_found, what);
  if (row->form != catalog::upload_form::part) {
    return fail(errc::invalid_argument, what + ": it was not made to be one");
  }
  if (!row->part_of.empty() && catalog::find_upload(s, row->part_of)) {
    return fail(errc::conflict, what + ": it is one of upload " + row->part_of);
  }
  return {};
}

// The row and its parts at once, so that no part becomes one of two.
result<void> uploads::insert(const catalog::upload_row& row,
                             const std::vector<std::string>& parts) {
  if (parts.size() > site_.opts.parts_max) {
    return fail(errc::invalid_argument, "upload " + row.path + " from " +
                                            std::to_string(parts.size()) + " parts: at most " +
                                            std::to_string(site_.opts.parts_max));
  }
  return site_.catalog.write([&](catalog::session& s) -> result<void> {
    catalog::insert_upload(s, row);
    std::set<std::string> seen;
    for (const auto& id : parts) {
      if (auto fits = check_part(s, id, row.owner, seen); !fits) return fits;
      (void)catalog::set_part_of(s, id, row.id, seen.size() - 1);
    }
    return {};
  });
}

// Of those who would join the parts of one upload, one does it.
class uploads::joining {
 public:
  joining(uploads& all, std::string id) : all_(all), id_(std::move(id)) {
    const std::lock_guard lock(all_.mutex_);
    is_ours_ = all_.being_joined_.insert(id_).second;
  }
  ~joining() {
    if (!is_ours_) return;
    const std::lock_guard lock(all_.mutex_);
    all_.being_joined_.erase(id_);
  }
  joining(const joining&) = delete;
  joining& operator=(const joining&) = delete;

  [[nodiscard]] bool is_ours() const noexcept { return is_ours_; }

 private:
  uploads& all_;
  const std::string id_;
  bool is_ours_ = false;
};

result<std::optional<store::entry>> uploads::join_parts(const std::string& id,
                                                        const base::caller_ptr& who) {
  const joining mine(*this, id);
  if (!mine.is_ours()) return std::nullopt;
  auto whole = join(id, who);
  if (!whole) return std::unexpected(whole.error());
  if (whole->done) return std::move(whole->done);
  if (whole->upload->form() != catalog::upload_form::joined) {
    return fail(errc::invalid_argument, "join the parts of upload " + id + ": it has none");
  }
  auto parts = find_whole_parts(id, who);
  if (!parts) return std::unexpected(parts.error());
  if (!*parts) return std::nullopt;
  if (auto copied = copy_parts(*whole, **parts); !copied) {
    return std::unexpected(copied.error());
  }
  std::promise<result<store::entry>> told;
  auto outcome = told.get_future();
  whole->upload->finish(whole->by, std::nullopt,
                        [&told](auto entry) { told.set_value(std::move(entry)); });
  auto published = outcome.get();
  if (!published) return std::unexpected(published.error());
  forget_parts(**parts);
  return std::move(*published);
}

// In their order; none where one is not whole yet.
result<std::optional<uploads::part_list>> uploads::find_whole_parts(const std::string& id,
                                                                    const base::caller_ptr& who) {
  auto whole = facts(id, who);
  if (!whole) return std::unexpected(whole.error());
  auto rows = site_.catalog.read([&](catalog::session& s) { return catalog::parts_of(s, id); });
  if (!rows) return std::unexpected(rows.error());
  part_list parts;
  for (const auto& row : *rows) {
    if (row.part_index != parts.size()) break;
    auto part = join(row.id, who);
    if (!part) return std::unexpected(part.error());
    if (!part->upload || !part->upload->is_whole()) return std::nullopt;
    parts.push_back(std::move(part->upload));
  }
  if (parts.size() != whole->part_index) {
    return fail(errc::not_found, "join the parts of upload " + id + ": some of them are gone");
  }
  return parts;
}

result<void> uploads::copy_parts(const opened_upload& whole, const part_list& parts) {
  const auto size = size_of(parts);
  if (!size) return std::unexpected(size.error());
  auto writer = whole.upload->write_serially({}, whole.by);
  if (!writer) return std::unexpected(writer.error());
  if (auto declared = (*writer)->declare_size(*size); !declared) return declared;
  base::buffer_pool memory(1);
  const auto buffer = memory.try_acquire();
  std::size_t filled = 0;
  std::uint64_t begin = 0;  // of the part in the whole
  for (const auto& part : parts) {
    const auto end = begin + part->size_bytes().value_or(0);
    const auto from = (*writer)->offset() + filled;
    part_reader reader(*part);
    if (from > begin && from < end) {
      if (auto skipped = reader.skip_to(from - begin); !skipped) return skipped;
    }
    while (from < end && reader.left() > 0) {
      const auto room = (*writer)->wanted_bytes() - filled;
      const auto count = std::min<std::uint64_t>(room, reader.left());
      if (auto read = reader.read(buffer->bytes().subspan(filled, count)); !read) return read;
      filled += count;
      if (filled < (*writer)->wanted_bytes()) continue;
      if (auto added = (*writer)->append(buffer->bytes().first(filled)); !added) return added;
      filled = 0;
    }
    begin = end;
  }
  return filled == 0 ? result<void>() : (*writer)->append(buffer->bytes().first(filled));
}

// What is left of them after a crash goes at the next start.
void uploads::forget_parts(const part_list& parts) {
  for (const auto& part : parts) {
    if (auto removed = part->abort(); !removed) {
      base::log_warning("forget part {}: {}", part->id(), removed.error().message());
    }
  }
}

}  // namespace sluice::transfer
