#include "transfer/downloads.h"

#include <algorithm>

#include "base/log.h"
#include "transfer/names.h"
#include "transfer/reach.h"

namespace sluice::transfer {
namespace {

constexpr std::size_t piece_bytes = 128 * 1024;  // what is read at a time where nobody keeps it

std::uint64_t blocks_of_size(std::uint64_t size_bytes) {
  return size_bytes / base::block_bytes + (size_bytes % base::block_bytes != 0 ? 1 : 0);
}

error ended_early(const store::entry& file) {
  return {errc::changed, "read " + file.name + ": it is shorter than it was"};
}

}  // namespace

digest_table::digest_table(catalog::file_identity file, std::uint64_t size_bytes,
                           std::int64_t mtime_ns)
    : file_(file),
      size_bytes_(size_bytes),
      mtime_ns_(mtime_ns),
      digests_(blocks_of_size(size_bytes)),
      known_(digests_.size()),
      missing_(digests_.size()) {}

std::optional<base::digest128> digest_table::find(std::uint64_t block) const {
  const std::lock_guard lock(mutex_);
  if (block >= known_.size() || !known_[block]) return std::nullopt;
  return digests_[block];
}

bool digest_table::add(std::uint64_t block, const base::digest128& digest) {
  const std::lock_guard lock(mutex_);
  if (block >= known_.size() || known_[block]) return false;
  digests_[block] = digest;
  known_[block] = true;
  return --missing_ == 0;
}

void digest_table::fill(const std::vector<base::digest128>& recorded) {
  const std::lock_guard lock(mutex_);
  if (recorded.size() != digests_.size()) return;
  digests_ = recorded;
  known_.assign(known_.size(), true);
  missing_ = 0;
}

catalog::content_row digest_table::row() const {
  const std::lock_guard lock(mutex_);
  return {file_, size_bytes_, mtime_ns_, digests_, std::nullopt};
}

std::uint64_t download::size_of(std::uint64_t block) const {
  return std::min<std::uint64_t>(base::block_bytes, info().size_bytes - block * base::block_bytes);
}

std::optional<base::digest128> download::recorded(std::uint64_t block) const {
  return digests_->find(block);
}

std::optional<base::digest128> download::recorded(std::uint64_t offset,
                                                  std::uint64_t size_bytes) const {
  const std::uint64_t block = offset / base::block_bytes;
  const bool whole =
      offset % base::block_bytes == 0 && block < block_count() && size_bytes == size_of(block);
  return whole ? recorded(block) : std::nullopt;
}

bool download::is_cached(std::uint64_t offset, std::uint64_t size_bytes) const {
  return content_->is_cached(offset, size_bytes);
}

result<base::digest128> download::digest(std::uint64_t block) {
  if (auto known = recorded(block)) return *known;
  if (block >= block_count()) return std::unexpected(ended_early(info()));
  return digest(block * base::block_bytes, size_of(block));
}

result<base::digest128> download::digest(std::uint64_t offset, std::uint64_t size_bytes) {
  std::vector<std::byte> piece(std::min<std::uint64_t>(piece_bytes, size_bytes));
  base::digest_stream stream;
  for (std::uint64_t done = 0; done < size_bytes;) {
    const auto into =
        std::span(piece).first(std::min<std::uint64_t>(piece_bytes, size_bytes - done));
    auto got = content_->pread(offset + done, into);
    if (!got) return std::unexpected(got.error());
    if (*got < into.size()) return std::unexpected(ended_early(info()));
    stream.update(into);
    done += into.size();
  }
  const auto made = stream.digest();
  const std::uint64_t block = offset / base::block_bytes;
  if (offset % base::block_bytes == 0 && block < block_count() && size_bytes == size_of(block)) {
    remember(block, made);
  }
  return made;
}

result<base::digest128> download::read(std::uint64_t offset, std::span<std::byte> into) {
  auto got = content_->pread(offset, into);
  if (!got) return std::unexpected(got.error());
  if (*got < into.size()) return std::unexpected(ended_early(info()));
  if (auto known = recorded(offset, into.size())) return *known;
  const auto made = base::digest_of(into);
  const std::uint64_t block = offset / base::block_bytes;
  if (offset % base::block_bytes == 0 && block < block_count() && into.size() == size_of(block)) {
    remember(block, made);
  }
  return made;
}

void download::remember(std::uint64_t block, const base::digest128& digest) {
  if (!digests_->add(block, digest)) return;
  if (!check_unchanged() || may_still_change(info())) return;
  site_.catalog.write(
      [row = digests_->row()](catalog::session& s) -> result<void> {
        catalog::put_content(s, row);
        return {};
      },
      [](const result<void>& committed) {
        if (!committed) base::log_warning("record digests: {}", committed.error().message());
      });
}

result<std::vector<block_digest>> download::digests(std::uint64_t first, std::uint64_t count,
                                                    digest_source source) {
  std::vector<block_digest> answer;
  if (first >= block_count()) return answer;
  const std::uint64_t end = first + std::min(count, block_count() - first);
  for (std::uint64_t block = first; block < end; ++block) {
    const auto known = recorded(block);
    const bool reads = source == digest_source::content;
    auto made = reads ? digest(block * base::block_bytes, size_of(block)) : digest(block);
    if (!made) return std::unexpected(made.error());
    answer.push_back({block, *made, reads ? known : std::nullopt});
  }
  return answer;
}

result<std::shared_ptr<download>> downloads::open(const allowed& what) {
  return std::move(open(std::span(&what, 1)).front());
}

std::vector<result<std::shared_ptr<download>>> downloads::open(std::span<const allowed> all) {
  std::vector<result<std::shared_ptr<download>>> opened;
  opened.reserve(all.size());
  std::vector<std::pair<key, std::shared_ptr<digest_table>>> to_fill;
  for (const auto& what : all) {
    auto content = open_content(what);
    if (!content) {
      opened.emplace_back(std::unexpected(std::move(content.error())));
      continue;
    }
    const auto& file = (*content)->info();
    auto [table, is_new] = table_of(file);
    if (is_new) to_fill.emplace_back(key_of(file), table);
    opened.emplace_back(std::make_shared<download>(site_, std::move(*content), std::move(table)));
  }
  if (to_fill.empty()) return opened;
  const auto filled = site_.catalog.read([&to_fill](catalog::session& s) {
    for (const auto& [file, table] : to_fill) {
      const auto row = catalog::find_content(s, file.file, file.size_bytes, file.mtime_ns);
      if (row) table->fill(row->digests);
    }
  });
  if (filled) return opened;
  for (auto& one : opened) {
    if (one) one = std::unexpected(filled.error());
  }
  return opened;
}

result<std::shared_ptr<const store::content>> downloads::open_content(const allowed& what) {
  auto opened = open_unrecorded(what);
  const auto parsed = store::rel_path::parse(what.path());
  record(*what.by(), parsed ? parsed->text() : what.path(), opened);
  return opened;
}

result<std::shared_ptr<const store::content>> downloads::open_unrecorded(const allowed& what) {
  auto parsed = reach(site_, what);
  if (!parsed) return std::unexpected(parsed.error());
  auto opened = site_.store.open_content(*parsed);
  if (!opened) return opened;
  auto same = check_reached(site_, *what.by(), *parsed, (*opened)->info().id);
  if (!same) return std::unexpected(same.error());
  return opened;
}

void downloads::record(const base::caller& by, const std::string& path,
                       const result<std::shared_ptr<const store::content>>& opened) {
  note(site_, by, "get", path, opened ? std::nullopt : std::optional(opened.error().code),
       opened ? std::optional((*opened)->info().size_bytes) : std::nullopt);
}

std::optional<result<std::shared_ptr<const store::content>>> downloads::try_open_content(
    const allowed& what) {
  if (is_bound(site_, *what.by())) return std::nullopt;
  auto parsed = store::rel_path::parse(what.path());
  if (!parsed) return std::unexpected(parsed.error());
  auto opened = site_.store.try_open_content(*parsed);
  if (opened) record(*what.by(), parsed->text(), *opened);
  return opened;
}

result<std::vector<std::optional<catalog::sha256_digest>>> downloads::known_sha256(
    std::span<const store::entry> files) {
  return find_sha256(site_, files);
}

result<std::vector<base::digest128>> downloads::recorded_digests(const store::entry& file) {
  const auto wanted = key_of(file);
  return site_.catalog.read([&wanted](catalog::session& s) {
    auto row = catalog::find_content(s, wanted.file, wanted.size_bytes, wanted.mtime_ns);
    return row ? std::move(row->digests) : std::vector<base::digest128>();
  });
}

whole_digest downloads::begin_sha256(std::shared_ptr<const store::content> file) {
  return {site_, std::move(file)};
}

downloads::key downloads::key_of(const store::entry& file) {
  return {to_catalog(file.id), file.size_bytes, file.mtime_ns};
}

downloads::found_table downloads::table_of(const store::entry& file) {
  const auto wanted = key_of(file);
  auto made = std::make_shared<digest_table>(wanted.file, wanted.size_bytes, wanted.mtime_ns);
  if (may_still_change(file)) return {std::move(made), true};
  const std::lock_guard lock(mutex_);
  if (tables_.size() >= tables_swept_at_) {
    std::erase_if(tables_, [](const auto& each) { return each.second.expired(); });
    tables_swept_at_ = std::max<std::size_t>(64, 2 * tables_.size());
  }
  auto& known = tables_[wanted];
  if (auto shared = known.lock()) return {std::move(shared), false};
  known = made;
  return {std::move(made), true};
}

}  // namespace sluice::transfer
