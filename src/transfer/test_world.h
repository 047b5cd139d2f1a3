// For tests: a served folder of their own with everything that the transfer room needs, which can
// be closed and opened again, as after a kill.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "catalog/database.h"
#include "catalog/test_folder.h"
#include "store/forwarding_files.h"
#include "store/store.h"
#include "transfer/downloads.h"
#include "transfer/serial_upload.h"
#include "transfer/small_files.h"
#include "transfer/tree.h"
#include "transfer/upload_writer.h"
#include "transfer/uploads.h"

namespace sluice::transfer::test {

using bytes = std::vector<std::byte>;
inline constexpr std::uint64_t mib = std::uint64_t{1} << 20;

// Bytes that differ with the seed and from block to block.
inline bytes content_of(std::uint64_t size_bytes, std::uint64_t seed = 1) {
  bytes made(size_bytes);
  std::mt19937_64 random(seed);
  std::size_t i = 0;
  for (; i + 8 <= made.size(); i += 8) {
    const auto word = random();
    std::memcpy(made.data() + i, &word, 8);
  }
  for (; i < made.size(); ++i) made[i] = static_cast<std::byte>(random());
  return made;
}

inline std::span<const std::byte> block_of(const bytes& content, std::uint64_t block) {
  const auto offset = block * mib;
  return std::span(content).subspan(offset, std::min<std::uint64_t>(mib, content.size() - offset));
}

inline std::uint64_t block_count(const bytes& content) { return (content.size() + mib - 1) / mib; }

template <class T>
T value(result<T> r) {
  if (!r) throw std::runtime_error(r.error().message());
  if constexpr (!std::is_void_v<T>) return std::move(*r);
}

template <class T>
errc code_of(const result<T>& r) {
  return r ? errc{} : r.error().code;
}
// What `code_of` gives for a success: no test expects `invalid_argument` by accident.
#define EXPECT_FAILS(call, expected)                                          \
  do {                                                                        \
    const auto outcome_ = (call);                                             \
    ASSERT_FALSE(outcome_) << "it succeeded";                                 \
    EXPECT_EQ(outcome_.error().code, expected) << outcome_.error().message(); \
  } while (false)

// Holds one write in the kernel's hands, as it were: after `hold = true` the next one tells
// `writes` and waits for `go_on`.
class slow_files : public store::forwarding_files {
 public:
  slow_files() : forwarding_files(store::linux_files()) {}
  ssize_t pwrite(int fd, std::span<const std::byte> piece, std::int64_t offset) override {
    if (hold.exchange(false)) {
      writes.set_value();
      go_on.get_future().wait();
    }
    return forwarding_files::pwrite(fd, piece, offset);
  }
  std::atomic<bool> hold = false;
  std::promise<void> writes, go_on;
};

// The use cases for tests that are about something else than rights: nobody is asked.
class unasked_uploads {
 public:
  explicit unasked_uploads(uploads& of) : of_(of) {}
  [[nodiscard]] auto open(const upload_request& wanted) { return of_.open(wanted); }
  [[nodiscard]] auto join(const std::string& id) { return of_.join(id, who_); }
  [[nodiscard]] auto facts(const std::string& id) { return of_.facts(id, who_); }
  [[nodiscard]] auto parts(const std::string& id) { return of_.parts(id, who_); }
  [[nodiscard]] auto remove(const std::string& id) { return of_.remove(id, who_); }
  [[nodiscard]] auto join_parts(const std::string& id) { return of_.join_parts(id, who_); }
  [[nodiscard]] auto rename(const std::string& id, const upload_request& wanted) {
    return of_.rename(id, wanted);
  }
  [[nodiscard]] auto under_way() { return of_.under_way(who_); }
  [[nodiscard]] auto open_count() { return of_.open_count(); }
  [[nodiscard]] auto age(std::chrono::seconds passed) { return of_.age(passed); }
  void drain() { of_.drain(); }

 private:
  uploads& of_;
  base::caller_ptr who_ = base::caller_unasked();
};

class unasked_tree {
 public:
  explicit unasked_tree(tree& of) : of_(of) {}
  [[nodiscard]] auto list(const std::string& path, const store::list_options& how = {}) {
    return of_.list(base::permit_unasked<base::right::see>(path), how);
  }
  [[nodiscard]] auto stat(const std::string& path) {
    return of_.stat(base::permit_unasked<base::right::see>(path));
  }
  [[nodiscard]] auto rename(const std::string& from, const std::string& to,
                            const std::optional<catalog::replaced_file>& replaces) {
    return of_.rename(base::permit_unasked<base::right::change>(from),
                      base::permit_unasked<base::right::give>(to), replaces);
  }
  [[nodiscard]] auto remove(const std::string& path, bool recursive) {
    return of_.remove(base::permit_unasked<base::right::change>(path), recursive);
  }

 private:
  tree& of_;
};

class unasked_downloads {
 public:
  explicit unasked_downloads(downloads& of) : of_(of) {}
  [[nodiscard]] auto open(const std::string& path) { return of_.open(allowed(path)); }
  [[nodiscard]] auto open_content(const std::string& path) {
    return of_.open_content(allowed(path));
  }
  [[nodiscard]] downloads& asked() { return of_; }

 private:
  static downloads::allowed allowed(const std::string& path) {
    return base::permit_unasked<base::right::take>(path);
  }
  downloads& of_;
};

class world {
 public:
  // `opts` without a clock of its own: checkpoints come when a test asks, or at their bytes.
  static options quiet() {
    options opts;
    opts.checkpoint_interval = std::chrono::hours(1);
    return opts;
  }

  explicit world(options opts = quiet(), store::file_layer& files = store::linux_files(),
                 const std::filesystem::path& in = std::filesystem::temp_directory_path())
      : where_(in), files_(files), opts_(opts) {
    open();
  }

  void open() {
    auto opened = value(store::folder_store::open(files_, root(), {}, telling(told_)));
    catalog_ = value(
        catalog::database::open(root() / ".sluice", {.sync = opts_.syncs == durability::full}));
    site_.emplace(std::move(opened), *catalog_, opts_);
    site_->told = told_;
    uploads_ = value(uploads::start(*site_));
    small_.emplace(*site_);
    downloads_.emplace(*site_);
    tree_.emplace(*site_);
  }
  void close() {
    tree_.reset();
    downloads_.reset();
    small_.reset();
    uploads_.reset();
    site_.reset();
    catalog_.reset();
  }
  void reopen() {
    close();
    open();
  }
  ~world() { close(); }

  [[nodiscard]] const std::filesystem::path& root() const { return where_.path(); }
  [[nodiscard]] unasked_uploads uploads() { return unasked_uploads(*uploads_); }
  [[nodiscard]] small_files& small() { return *small_; }
  [[nodiscard]] unasked_downloads downloads() { return unasked_downloads(*downloads_); }
  [[nodiscard]] unasked_tree tree() { return unasked_tree(*tree_); }
  // Those who ask.
  [[nodiscard]] transfer::uploads& asking_uploads() { return *uploads_; }
  [[nodiscard]] transfer::tree& asking_tree() { return *tree_; }
  [[nodiscard]] transfer::site& site() { return *site_; }
  [[nodiscard]] transfer::events& told() { return *told_; }
  [[nodiscard]] catalog::database& catalog() { return *catalog_; }

  [[nodiscard]] bytes read(const std::string& name) const {
    std::ifstream file(root() / name, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    bytes found(text.size());
    std::memcpy(found.data(), text.data(), text.size());
    return found;
  }
  void write(const std::string& name, std::span<const std::byte> content) const {
    std::ofstream file(root() / name, std::ios::binary);
    file.write(reinterpret_cast<const char*>(content.data()),
               static_cast<std::streamsize>(content.size()));
  }
  [[nodiscard]] std::size_t partial_count() const {
    const auto folder = std::filesystem::directory_iterator(root() / ".sluice" / "partials");
    return static_cast<std::size_t>(std::distance(begin(folder), end(folder)));
  }

 private:
  catalog::test::folder where_;
  store::file_layer& files_;
  options opts_;
  std::shared_ptr<events> told_ = std::make_shared<events>();
  std::unique_ptr<catalog::database> catalog_;
  std::optional<transfer::site> site_;
  std::unique_ptr<transfer::uploads> uploads_;
  std::optional<small_files> small_;
  std::optional<transfer::downloads> downloads_;
  std::optional<transfer::tree> tree_;
};

// To write with, whatever the path is.
inline base::permitted<base::right::give> unasked(const std::string& path = "") {
  return base::permit_unasked<base::right::give>(path);
}

inline upload_request request_for(const std::string& path,
                                  std::optional<std::uint64_t> size_bytes) {
  upload_request wanted(value(allowed_place<base::right::give>::of(unasked(path))));
  wanted.size_bytes = size_bytes;
  wanted.mtime_ns = 1'600'000'000'123'456'789;
  return wanted;
}

// Of an upload that is written from the beginning to the end.
inline upload_request serial_request(const std::string& path,
                                     std::optional<std::uint64_t> size_bytes) {
  auto wanted = request_for(path, size_bytes);
  wanted.form = catalog::upload_form::serial;
  return wanted;
}
inline upload_request part_request(std::optional<std::uint64_t> size_bytes) {
  auto wanted = serial_request("", size_bytes);
  wanted.form = catalog::upload_form::part;
  return wanted;
}

inline result<void> send(upload_writer& to, const bytes& content, std::uint64_t block) {
  const auto payload = block_of(content, block);
  return to.write(block * mib, payload, base::digest_of(payload));
}

inline void send_all(upload_writer& to, const bytes& content) {
  for (std::uint64_t block = 0; block < block_count(content); ++block) {
    value(send(to, content, block));
  }
}

inline result<std::vector<block_range>> checkpoint(upload& of) {
  std::promise<result<std::vector<block_range>>> told;
  of.checkpoint([&](auto durable) { told.set_value(std::move(durable)); });
  return told.get_future().get();
}

inline result<std::uint64_t> checkpoint(serial_writer& of) {
  std::promise<result<std::uint64_t>> told;
  of.checkpoint([&](auto offset) { told.set_value(std::move(offset)); });
  return told.get_future().get();
}

// What is missing of the content up to `until`, in pieces of at most `piece_bytes`.
inline result<void> append(serial_writer& to, const bytes& content, std::uint64_t until,
                           std::size_t piece_bytes = mib) {
  while (to.offset() < until) {
    const auto count = std::min<std::uint64_t>(piece_bytes, until - to.offset());
    auto added = to.append(std::span(content).subspan(to.offset(), count));
    if (!added) return added;
  }
  return {};
}

inline result<store::entry> finish(upload& of, std::optional<std::uint64_t> size_bytes = {}) {
  std::promise<result<store::entry>> told;
  of.finish(unasked(), size_bytes, [&](auto entry) { told.set_value(std::move(entry)); });
  return told.get_future().get();
}

struct folder_wish {
  std::string path;
  bool parents = false;
  bool may_exist = false;
  std::optional<std::int64_t> mtime_ns{};
};

inline result<store::entry> folder_made(small_files& by, const folder_wish& wish) {
  new_folder wanted(unasked(wish.path));
  wanted.parents = wish.parents;
  wanted.may_exist = wish.may_exist;
  wanted.mtime_ns = wish.mtime_ns;
  std::promise<result<store::entry>> told;
  by.make_folder(wanted, [&](auto entry) { told.set_value(std::move(entry)); });
  return told.get_future().get();
}

}  // namespace sluice::transfer::test
