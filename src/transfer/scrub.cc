#include "transfer/scrub.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <new>
#include <span>

#include "base/digest.h"
#include "base/limits.h"
#include "base/log.h"
#include "transfer/names.h"
#include "transfer/reach.h"

namespace sluice::transfer {
namespace {

// Read at once: enough that the disk is busy with several parts of it.
constexpr std::size_t buffer_bytes = 4 * base::block_bytes;
constexpr std::size_t entries_a_page = 512;
constexpr std::size_t files_a_step = 256;

std::uint64_t blocks_of(std::uint64_t size_bytes) {
  return size_bytes / base::block_bytes + (size_bytes % base::block_bytes != 0 ? 1 : 0);
}

std::string below(const store::rel_path& root, const std::string& name) {
  if (name.empty()) return root.text();
  return root.is_root() ? name : root.text() + "/" + name;
}

}  // namespace

// A file that is being read.
struct scrub::reading {
  store::entry file;
  std::shared_ptr<const store::content> content;
  std::optional<std::vector<base::digest128>> recorded;
  std::vector<base::digest128> made;  // only where they will be recorded
  std::vector<damage> found;          // told once the file is known to be unchanged
  std::uint64_t at = 0;
};

void scrub::free_aligned::operator()(std::byte* memory) const noexcept { std::free(memory); }

scrub::scrub(site& where, store::rel_path root, bool record)
    : site_(where),
      root_(std::move(root)),
      record_(record),
      buffer_(static_cast<std::byte*>(
          std::aligned_alloc(store::direct_alignment_bytes, buffer_bytes))) {
  if (!buffer_) throw std::bad_alloc();
}

std::uint64_t scrub_step_bytes(std::uint64_t bytes_per_second) noexcept {
  constexpr std::uint64_t most = 16 * base::block_bytes;
  if (bytes_per_second == 0) return most;
  return std::clamp<std::uint64_t>(bytes_per_second / 4, base::block_bytes, most);
}

std::chrono::milliseconds scrub_pause(std::uint64_t bytes_per_second, std::uint64_t bytes,
                                      std::chrono::steady_clock::duration passed) noexcept {
  using namespace std::chrono;
  if (bytes_per_second == 0) return milliseconds(0);
  const duration<double> due(static_cast<double>(bytes) / static_cast<double>(bytes_per_second));
  return std::max(duration_cast<milliseconds>(due - passed), milliseconds(0));
}

result<std::unique_ptr<scrub>> scrubs::begin(const scrub::allowed& what, bool record) {
  auto place = std::shared_ptr<void>(nullptr, [running = running_](void*) { --*running; });
  if (++*running_ > at_once) {
    return fail(errc::busy, "scrub: " + std::to_string(at_once) + " are running already");
  }
  auto begun = scrub::begin(site_, what, record);
  if (begun) (*begun)->place_ = std::move(place);
  return begun;
}

scrub::~scrub() = default;

result<std::unique_ptr<scrub>> scrub::begin(site& where, const allowed& what, bool record) {
  auto root = reach(where, what);
  if (!root) return std::unexpected(root.error());
  if (record) {
    auto changes = base::permit<base::right::change>(what.by(), what.path());
    if (!changes) return std::unexpected(changes.error());
  }
  auto there = where.store.stat(*root);
  if (!there) return std::unexpected(there.error());
  auto made = std::unique_ptr<scrub>(new scrub(where, std::move(*root), record));
  if (there->kind == store::entry_kind::file) made->only_ = std::move(*there);
  if (auto opened = made->open_listing(); !opened) return std::unexpected(opened.error());
  return made;
}

// From the beginning: once to count, once to read.
result<void> scrub::open_listing() {
  more_ = true;
  if (only_) {
    entries_.push_back(*only_);
    entries_.back().name.clear();
    more_ = false;
    return {};
  }
  auto listing = site_.store.list(root_, {.recursive = true});
  if (!listing) return std::unexpected(listing.error());
  listing_ = std::move(*listing);
  return {};
}

// False: there is none.
result<bool> scrub::next_page() {
  if (!more_) return !entries_.empty();
  auto page = listing_->next(entries_a_page);
  if (!page) return std::unexpected(page.error());
  more_ = page->more;
  for (auto& entry : page->entries) {
    if (entry.kind == store::entry_kind::file) entries_.push_back(std::move(entry));
  }
  return true;
}

result<bool> scrub::count_page() {
  auto page = next_page();
  if (!page) return page;
  for (const auto& file : entries_) {
    ++counts_.files_total;
    counts_.bytes_total += file.size_bytes;
  }
  entries_.clear();
  if (more_) return true;
  counts_.totals_known = true;
  if (auto opened = open_listing(); !opened) return std::unexpected(opened.error());
  return true;
}

result<bool> scrub::next(std::uint64_t bytes_max) {
  if (!counts_.totals_known) return count_page();
  std::size_t files = 0;
  for (std::uint64_t done = 0; done < bytes_max && files < files_a_step;) {
    if (reading_) {
      done += read_some(bytes_max - done);
      continue;
    }
    if (entries_.empty()) {
      if (!more_) return false;
      if (auto page = next_page(); !page) return page;
      continue;
    }
    const auto file = std::move(entries_.front());
    entries_.pop_front();
    ++files;
    if (auto begun = begin_file(file); !begun) return std::unexpected(begun.error());
  }
  return reading_ || !entries_.empty() || more_;
}

void scrub::pass(std::uint64_t& counter, std::uint64_t size_bytes) {
  ++counter;
  ++counts_.files_passed;
  counts_.bytes_passed += size_bytes;
}

result<void> scrub::begin_file(const store::entry& file) {
  path_ = below(root_, file.name);
  auto path = store::rel_path::parse(path_);
  if (!path) return std::unexpected(path.error());
  auto content = site_.store.open_at_rest(*path);
  if (!content) {
    // What was listed a moment ago and is no file any more was moved; what cannot be opened is
    // lost.
    if (content.error().code == errc::not_found || content.error().code == errc::not_a_file) {
      pass(counts_.changed, file.size_bytes);
      return {};
    }
    add(std::nullopt, "it cannot be opened: " + content.error().message());
    pass(counts_.damaged_files, file.size_bytes);
    return {};
  }
  const auto info = (*content)->info();
  auto row = site_.catalog.read([&](catalog::session& s) {
    return catalog::find_content(s, to_catalog(info.id), info.size_bytes, info.mtime_ns);
  });
  if (!row) return std::unexpected(row.error());
  const bool known = *row && (*row)->digests.size() == blocks_of(info.size_bytes);
  if (!known && (!record_ || may_still_change(info))) {
    pass(counts_.no_record, info.size_bytes);
    return {};
  }
  reading_ = std::make_unique<reading>();
  reading_->file = info;
  reading_->content = std::move(*content);
  if (known) reading_->recorded = std::move((*row)->digests);
  if (info.size_bytes == 0) end_file();
  return {};
}

// How many bytes.
std::uint64_t scrub::read_some(std::uint64_t bytes_max) {
  const auto left = reading_->file.size_bytes - reading_->at;
  const auto blocks =
      std::clamp<std::uint64_t>(bytes_max / base::block_bytes, 1, buffer_bytes / base::block_bytes);
  const auto wanted = std::min(left, blocks * base::block_bytes);
  // Whole sectors, also at the end of the file.
  const auto aligned = (wanted + store::direct_alignment_bytes - 1) /
                       store::direct_alignment_bytes * store::direct_alignment_bytes;
  const auto first = reading_->at / base::block_bytes;
  const auto into = std::span(buffer_.get(), aligned);
  auto got = reading_->content->read_at_rest(reading_->at, into);
  if (!got && blocks > 1) return read_some(base::block_bytes);  // which block is it?
  if (!got) {
    reading_->found.push_back({path_, first, "it cannot be read: " + got.error().message()});
    reading_->made.emplace_back();
  } else if (*got < wanted) {
    reading_->found.push_back({path_, first, "the file ends before it"});
    reading_->at = reading_->file.size_bytes;
    end_file();
    return *got;
  } else {
    compare(first, wanted);
  }
  reading_->at += wanted;
  counts_.bytes += wanted;
  if (reading_->at == reading_->file.size_bytes) end_file();
  return wanted;
}

void scrub::compare(std::uint64_t first_block, std::uint64_t bytes) {
  for (std::uint64_t at = 0; at < bytes; at += base::block_bytes) {
    const auto block = first_block + at / base::block_bytes;
    const auto made = base::digest_of(
        std::span(buffer_.get() + at, std::min<std::uint64_t>(base::block_bytes, bytes - at)));
    if (!reading_->recorded) {
      reading_->made.push_back(made);
    } else if ((*reading_->recorded)[block] != made) {
      reading_->found.push_back({path_, block, "its bytes are not those that were recorded"});
    }
  }
}

// Whoever writes to a file meanwhile, or replaces it, makes other bytes and no damage.
void scrub::end_file() {
  const auto ended = std::move(reading_);
  ++counts_.files_passed;
  if (!ended->content->check_unchanged()) {
    ++counts_.changed;
    return;
  }
  if (!ended->found.empty()) ++counts_.damaged_files;
  counts_.differences += ended->found.size();
  std::ranges::move(ended->found, std::back_inserter(damages_));
  if (ended->recorded) {
    ++counts_.files;
    return;
  }
  if (!ended->found.empty()) return;
  const auto& info = ended->file;
  const catalog::content_row row{to_catalog(info.id), info.size_bytes, info.mtime_ns, ended->made,
                                 std::nullopt};
  auto committed = site_.catalog.write([&row](catalog::session& s) -> result<void> {
    catalog::put_content(s, row);
    return {};
  });
  if (committed) {
    ++counts_.recorded;
  } else {
    ++counts_.no_record;
    base::log_warning("record digests of {}: {}", path_, committed.error().message());
  }
}

void scrub::add(std::optional<std::uint64_t> block, std::string what) {
  ++counts_.differences;
  damages_.push_back({path_, block, std::move(what)});
}

}  // namespace sluice::transfer
