// One request's way into an upload that is written from the beginning to the end, any number of
// bytes at a time: tus, and the resumable uploads of HTTP.
//
// It is the same upload of blocks of 1 MiB as any other (upload.h). What is special is its end: the
// bytes of the unfinished block count too, so that an offset is exact to the byte. Of these the
// catalog keeps where they end and their digest, and whoever goes on reads them again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/digest.h"
#include "sluice/error.h"
#include "transfer/byte_writer.h"

namespace sluice::transfer {

// How many bytes are durable from the beginning of the file, or why the checkpoint failed.
using offset_callback = std::move_only_function<void(result<std::uint64_t>)>;

// Made by `upload::write_serially`, and the only one of its upload: a newer one fences it off, and
// every call of it fails with `conflict` then. One thread at a time. When it is gone, the upload
// stays open with what it kept.
class serial_writer : public byte_writer, public std::enable_shared_from_this<serial_writer> {
 public:
  serial_writer(std::shared_ptr<upload> home, upload::claim_ptr mine, std::uint64_t offset,
                base::digest_stream tail, upload::allowed by);
  ~serial_writer() override;

  // How many bytes end the block that is being written: pieces of so many are written at once.
  [[nodiscard]] std::size_t wanted_bytes() const noexcept;

  // All before `offset` arrived, and is durable after a checkpoint.
  [[nodiscard]] result<void> append(std::span<const std::byte> piece) override;

  // From here on nothing that is appended counts, until `keep`: so bytes whose digest comes behind
  // them leave nothing when it is wrong. Errors of `keep` as `append`.
  void hold_back() noexcept { holds_back_ = true; }
  [[nodiscard]] result<void> keep();

  // The size, where it was not known: durable when this returns. Blocks.
  //   conflict: it is another one, less than what arrived, or as `append`; invalid_argument: too
  //   large; no_space, io
  [[nodiscard]] result<void> declare_size(std::uint64_t size_bytes);

  // Makes all durable that counts, soon. `done` is called on the room's or the catalog's thread,
  // inside this call where it was taken over (conflict). not_allowed: the right to it was lost.
  void checkpoint(offset_callback done);

  // Writes no more: who takes the upload over or throws it away from here on tells nobody.
  void give_up();

  [[nodiscard]] bool is_fenced() const noexcept { return mine_->fenced; }

 private:
  [[nodiscard]] error taken_over() const;
  [[nodiscard]] result<void> write(std::span<const std::byte> piece);
  void note(std::span<const std::byte> piece, std::uint64_t size_bytes);
  [[nodiscard]] result<void> hand_over();

  const upload::claim_ptr mine_;
  base::digest_stream tail_;  // of the unfinished block
  bool holds_back_ = false;
  bool failed_ = false;
  upload::serial_bytes fresh_;  // appended, and not yet the upload's
};

}  // namespace sluice::transfer
