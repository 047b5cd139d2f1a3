// The SHA-256 of a whole stored file: computed when somebody asks for it, and kept.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "catalog/content.h"
#include "sluice/error.h"
#include "store/store.h"
#include "transfer/options.h"

namespace sluice::transfer {

// What is on record about exactly this content, for each in its place; nullopt where it was never
// asked for. Blocks; one look into the catalog.
[[nodiscard]] result<std::vector<std::optional<catalog::sha256_digest>>> find_sha256(
    site& where, std::span<const store::entry> files);

// Reads a file through, a step at a time, so that a large one does not keep a thread of the pool.
// At the end the digest is recorded, with those of the blocks, unless the file changed. One thread
// at a time; movable.
class whole_digest {
 public:
  // `where` must outlive it.
  whole_digest(site& where, std::shared_ptr<const store::content> file);
  ~whole_digest();
  whole_digest(whole_digest&&) noexcept;
  whole_digest& operator=(whole_digest&&) noexcept = delete;

  // Reads the next 8 MiB at most; true when that was the end. Blocks.
  //   changed: the file is another one by now; bad_digest: a block is not what was recorded when it
  //   came, so the disk lost something; io, internal
  [[nodiscard]] result<bool> step();

  // Behind the last step.
  [[nodiscard]] const catalog::sha256_digest& digest() const noexcept { return digest_; }

 private:
  struct state;
  [[nodiscard]] result<void> finish();

  site& site_;
  std::shared_ptr<const store::content> file_;
  std::unique_ptr<state> state_;
  std::uint64_t offset_ = 0;
  std::vector<base::digest128> blocks_;
  catalog::sha256_digest digest_{};
};

}  // namespace sluice::transfer
