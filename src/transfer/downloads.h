// Content on its way out, with the digests of its blocks.
//
// A digest is recorded when the file was uploaded here; of a file that someone copied in by hand
// it is made from the stored bytes when it is asked for, and recorded once all of the file's are
// known, if the file did not change meanwhile. All who have the same file open share them.
//
// Thread-safe. What is said to block belongs on a pool.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "base/digest.h"
#include "base/permission.h"
#include "sluice/error.h"
#include "store/store.h"
#include "transfer/options.h"
#include "transfer/upload.h"
#include "transfer/whole_digest.h"

namespace sluice::transfer {

// The digests of one state of one file: 16 bytes a block.
class digest_table {
 public:
  digest_table(catalog::file_identity file, std::uint64_t size_bytes, std::int64_t mtime_ns);

  [[nodiscard]] std::uint64_t block_count() const noexcept { return known_.size(); }
  [[nodiscard]] std::optional<base::digest128> find(std::uint64_t block) const;

  // True once: with the last digest that was missing. The table is worth recording then.
  [[nodiscard]] bool add(std::uint64_t block, const base::digest128& digest);
  void fill(const std::vector<base::digest128>& recorded);

  [[nodiscard]] catalog::content_row row() const;

 private:
  const catalog::file_identity file_;
  const std::uint64_t size_bytes_;
  const std::int64_t mtime_ns_;
  mutable std::mutex mutex_;
  std::vector<base::digest128> digests_;
  std::vector<bool> known_;
  std::uint64_t missing_;
};

// An open file. It goes on reading the same content after its name was replaced or removed.
class download {
 public:
  download(site& where, std::shared_ptr<const store::content> content,
           std::shared_ptr<digest_table> digests)
      : site_(where), content_(std::move(content)), digests_(std::move(digests)) {}

  [[nodiscard]] const store::entry& info() const noexcept { return content_->info(); }
  // For sendfile; belongs to this object.
  [[nodiscard]] int fd() const noexcept { return content_->fd(); }
  [[nodiscard]] std::uint64_t block_count() const noexcept { return digests_->block_count(); }

  // What is known without reading: of a whole block, else nothing.
  [[nodiscard]] std::optional<base::digest128> recorded(std::uint64_t block) const;
  [[nodiscard]] std::optional<base::digest128> recorded(std::uint64_t offset,
                                                        std::uint64_t size_bytes) const;
  // Whether the bytes are in the page cache, as far as can be told.
  [[nodiscard]] bool is_cached(std::uint64_t offset, std::uint64_t size_bytes) const;

  // Recorded, or made from the bytes, which is remembered. Blocks. `changed`: the file ends sooner.
  [[nodiscard]] result<base::digest128> digest(std::uint64_t block);
  // Reads bytes within one block, and gives their digest; of a whole block it is remembered.
  // Blocks. `changed`: the file ends sooner.
  [[nodiscard]] result<base::digest128> digest(std::uint64_t offset, std::uint64_t size_bytes);
  [[nodiscard]] result<base::digest128> read(std::uint64_t offset, std::span<std::byte> into);

  // Of the blocks [first, first + count), as far as the file has them. With `content` every one is
  // read, and what was on record is told beside it; blocks.
  [[nodiscard]] result<std::vector<block_digest>> digests(std::uint64_t first, std::uint64_t count,
                                                          digest_source source);

  // `changed` where size or time are not those of `info` any more.
  [[nodiscard]] result<void> check_unchanged() const { return content_->check_unchanged(); }

 private:
  [[nodiscard]] std::uint64_t size_of(std::uint64_t block) const;
  void remember(std::uint64_t block, const base::digest128& digest);

  site& site_;
  const std::shared_ptr<const store::content> content_;
  const std::shared_ptr<digest_table> digests_;
};

class downloads {
 public:
  using allowed = base::permitted<base::right::take>;

  // `where` must outlive it and all that it opened.
  explicit downloads(site& where) : site_(where) {}

  // Blocks. not_found, not_a_file, invalid_argument.
  [[nodiscard]] result<std::shared_ptr<download>> open(const allowed& what);
  // The same for many, each in its place, with one look into the catalog.
  [[nodiscard]] std::vector<result<std::shared_ptr<download>>> open(std::span<const allowed> all);

  // For those who need no digests: without a look into the catalog. Errors as `open`.
  [[nodiscard]] result<std::shared_ptr<const store::content>> open_content(const allowed& what);

  // The same for a thread that must not wait; nullopt: `open_content` has to be asked, on a pool.
  [[nodiscard]] std::optional<result<std::shared_ptr<const store::content>>> try_open_content(
      const allowed& what);

  // Each one's SHA-256, where it is on record; and computing one. See whole_digest.h. They tell
  // about content: whoever calls has asked whether that may be taken.
  [[nodiscard]] result<std::vector<std::optional<catalog::sha256_digest>>> known_sha256(
      std::span<const store::entry> files);
  [[nodiscard]] whole_digest begin_sha256(std::shared_ptr<const store::content> file);

  // The digests of its blocks that were recorded when it was received; none where it is not what it
  // was then. Blocks. For who brought the content, whether they may take it or not.
  [[nodiscard]] result<std::vector<base::digest128>> recorded_digests(const store::entry& file);

 private:
  struct key {
    catalog::file_identity file;
    std::uint64_t size_bytes = 0;
    std::int64_t mtime_ns = 0;
    friend auto operator<=>(const key&, const key&) = default;
  };

  // A table, and whether it is still to be filled from the catalog.
  struct found_table {
    std::shared_ptr<digest_table> table;
    bool is_new = false;
  };
  [[nodiscard]] result<std::shared_ptr<const store::content>> open_unrecorded(const allowed& what);
  void record(const base::caller& by, const std::string& path,
              const result<std::shared_ptr<const store::content>>& opened);
  [[nodiscard]] static key key_of(const store::entry& file);
  [[nodiscard]] found_table table_of(const store::entry& file);

  site& site_;
  std::mutex mutex_;
  std::map<key, std::weak_ptr<digest_table>> tables_;  // of the files that are open, and some more
  std::size_t tables_swept_at_ = 64;                   // so many are there when the others go
};

}  // namespace sluice::transfer
