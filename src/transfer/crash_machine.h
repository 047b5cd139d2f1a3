// For tests of crashes: a server's rooms on a folder in memory, made from an image of a disk, with
// all that they do to the folder written down.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "catalog/crash_vfs.h"
#include "store/crash_recorder.h"
#include "transfer/test_world.h"

namespace sluice::transfer::test {

// Whether the catalog's files are written down too: of one machine at a time.
enum class watch : std::uint8_t { store_only, all };

class machine {
 public:
  // Only makes the folder: what runs on it is opened by `open`. `generation` as of the recorder.
  machine(const store::disk_image& image, unsigned generation, watch what);
  ~machine();
  machine(const machine&) = delete;
  machine& operator=(const machine&) = delete;

  // Throws where the server would refuse to start.
  void open();
  void close();
  void reopen() {
    close();
    open();
  }

  [[nodiscard]] const std::filesystem::path& root() const { return where_.path(); }
  [[nodiscard]] store::crash_recorder& disk() { return disk_; }
  [[nodiscard]] unasked_uploads uploads() { return unasked_uploads(*uploads_); }
  [[nodiscard]] small_files& small() { return *small_; }
  [[nodiscard]] unasked_downloads downloads() { return unasked_downloads(*downloads_); }
  [[nodiscard]] unasked_tree tree() { return unasked_tree(*tree_); }
  [[nodiscard]] transfer::site& site() { return *site_; }
  [[nodiscard]] catalog::database& catalog() { return *catalog_; }

 private:
  class witness;

  catalog::test::folder where_;
  store::crash_recorder disk_;
  std::unique_ptr<witness> witness_;
  std::unique_ptr<catalog::database> catalog_;
  std::optional<transfer::site> site_;
  std::unique_ptr<transfer::uploads> uploads_;
  std::optional<small_files> small_;
  std::optional<transfer::downloads> downloads_;
  std::optional<transfer::tree> tree_;
};

// The ids of uploads are the same ones, in order, from here on.
void restart_ids();

}  // namespace sluice::transfer::test
