#include "http/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <clocale>

#include <optional>
#include <vector>

#include "http/media_type.h"
#include "net/on_pool.h"

namespace sluice::http {
namespace {

using base::right;

constexpr std::size_t step_bytes = 512 * 1024;
constexpr std::size_t read_bytes = 256 * 1024;
constexpr std::size_t entries_at_once = 256;
constexpr std::int64_t ns_per_s = 1'000'000'000;

// libarchive asks the thread's locale what a name's bytes mean.
class utf8_locale {
 public:
  utf8_locale() : before_(::uselocale(ours())) {}
  ~utf8_locale() { ::uselocale(before_); }
  utf8_locale(const utf8_locale&) = delete;
  utf8_locale& operator=(const utf8_locale&) = delete;

 private:
  static locale_t ours() {
    static const locale_t made = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return made;
  }
  locale_t before_;
};

struct free_writer {
  void operator()(archive* writer) const noexcept { ::archive_write_free(writer); }
};
struct free_entry {
  void operator()(archive_entry* entry) const noexcept { ::archive_entry_free(entry); }
};

}  // namespace

struct archive_stream::state {
  state(service& with, base::caller_ptr whom, std::string folder, archive_format wanted)
      : shared(with), who(std::move(whom)), path(std::move(folder)), format(wanted) {}

  result<void> open();
  result<void> pack_some();
  result<void> next_entry();
  result<void> begin_file(const store::entry& entry);
  result<void> add_head(const store::entry& entry);
  result<void> pack_content();
  [[nodiscard]] result<void> check(int answer, std::string_view what) const;

  service& shared;
  const base::caller_ptr who;
  const std::string path;
  const archive_format format;
  std::unique_ptr<archive, free_writer> writer{::archive_write_new()};
  std::vector<std::byte> out;  // what the writer gave since the last step
  std::vector<std::byte> piece;
  std::optional<store::listing> listing;
  store::list_page page;
  std::size_t next_in_page = 0;
  std::shared_ptr<const store::content> file;  // being packed
  std::uint64_t packed_bytes = 0;              // of it
  bool opened = false;
  bool ended = false;
};

namespace {

la_ssize_t take_output(archive*, void* into, const void* data, std::size_t size_bytes) {
  const std::span bytes(static_cast<const std::byte*>(data), size_bytes);
  auto& out = *static_cast<std::vector<std::byte>*>(into);
  out.insert(out.end(), bytes.begin(), bytes.end());
  return static_cast<la_ssize_t>(size_bytes);
}

}  // namespace

result<void> archive_stream::state::check(int answer, std::string_view what) const {
  if (answer == ARCHIVE_OK || answer == ARCHIVE_WARN) return {};
  const char* why = ::archive_error_string(writer.get());
  return fail(errc::io, std::string(what) + ": " + (why != nullptr ? why : "libarchive failed"));
}

result<void> archive_stream::state::open() {
  const auto fine = [](int answer) { return answer == ARCHIVE_OK; };
  auto* to = writer.get();
  const bool ready = format == archive_format::zip
                         ? fine(::archive_write_set_format_zip(to)) &&
                               fine(::archive_write_zip_set_compression_store(to)) &&
                               fine(::archive_write_set_options(to, "hdrcharset=UTF-8"))
                         : fine(::archive_write_set_format_pax_restricted(to)) &&
                               fine(::archive_write_set_options(to, "hdrcharset=UTF-8"));
  if (!ready) return check(ARCHIVE_FATAL, "choose the format of an archive");
  ::archive_write_set_bytes_per_block(to, 0);
  return check(::archive_write_open(to, &out, nullptr, take_output, nullptr), "begin an archive");
}

result<void> archive_stream::state::add_head(const store::entry& entry) {
  const std::unique_ptr<archive_entry, free_entry> head(::archive_entry_new());
  const bool is_file = entry.kind == store::entry_kind::file;
  const auto top = path.substr(path.rfind('/') + 1);
  const std::string name = (top.empty() ? "" : top + '/') + entry.name + (is_file ? "" : "/");
  ::archive_entry_set_pathname_utf8(head.get(), name.c_str());
  ::archive_entry_set_filetype(head.get(), is_file ? AE_IFREG : AE_IFDIR);
  ::archive_entry_set_perm(head.get(), is_file && !entry.executable ? 0644 : 0755);
  ::archive_entry_set_size(head.get(), is_file ? static_cast<la_int64_t>(entry.size_bytes) : 0);
  ::archive_entry_set_mtime(head.get(), entry.mtime_ns / ns_per_s,
                            static_cast<long>(entry.mtime_ns % ns_per_s));
  return check(::archive_write_header(writer.get(), head.get()), "pack " + name);
}

// The file as it is when it is opened; one that is gone by then is left out.
result<void> archive_stream::state::begin_file(const store::entry& entry) {
  const auto asked = base::permit<right::take>(who, (path.empty() ? "" : path + '/') + entry.name);
  if (!asked) return std::unexpected(asked.error());
  auto found = shared.downloads.open_content(*asked);
  if (!found && (found.error().code == errc::not_found || found.error().code == errc::not_a_file)) {
    return {};
  }
  if (!found) return std::unexpected(found.error());
  store::entry seen = (*found)->info();
  seen.name = entry.name;
  if (auto added = add_head(seen); !added) return added;
  file = std::move(*found);
  packed_bytes = 0;
  return {};
}

result<void> archive_stream::state::next_entry() {
  if (next_in_page == page.entries.size()) {
    if (!page.more && listing) {
      ended = true;
      return check(::archive_write_close(writer.get()), "end an archive");
    }
    if (!listing) {
      const auto asked = base::permit<right::see>(who, path);
      if (!asked) return std::unexpected(asked.error());
      auto begun = shared.tree.list(*asked, {.recursive = true, .after = {}});
      if (!begun) return std::unexpected(begun.error());
      listing.emplace(std::move(*begun));
    }
    auto more = listing->next(entries_at_once);
    if (!more) return std::unexpected(more.error());
    page = std::move(*more);
    next_in_page = 0;
    return {};
  }
  const auto& entry = page.entries[next_in_page++];
  return entry.kind == store::entry_kind::file ? begin_file(entry) : add_head(entry);
}

result<void> archive_stream::state::pack_content() {
  const std::uint64_t left = file->info().size_bytes - packed_bytes;
  if (left == 0) {
    file.reset();
    return check(::archive_write_finish_entry(writer.get()), "end a file of an archive");
  }
  piece.resize(read_bytes);
  const auto into = std::span(piece).first(std::min<std::uint64_t>(left, read_bytes));
  const auto got = file->pread(packed_bytes, into);
  if (!got) return std::unexpected(got.error());
  if (*got < into.size()) return fail(errc::changed, "pack " + file->info().name);
  const auto written = ::archive_write_data(writer.get(), into.data(), into.size());
  if (written != static_cast<la_ssize_t>(into.size())) {
    return check(ARCHIVE_FATAL, "pack " + file->info().name);
  }
  packed_bytes += into.size();
  return {};
}

result<void> archive_stream::state::pack_some() {
  const utf8_locale while_packing;
  out.clear();
  while (!ended && out.size() < step_bytes) {
    auto done = file ? pack_content() : next_entry();
    if (!done) return done;
  }
  return {};
}

archive_stream::archive_stream(service& shared, base::caller_ptr who, std::string path,
                               archive_format format)
    : state_(std::make_unique<state>(shared, std::move(who), std::move(path), format)) {}
archive_stream::~archive_stream() = default;

result<std::span<const std::byte>> archive_stream::next() {
  if (!state_->opened) {
    if (auto opened = state_->open(); !opened) {
      return std::unexpected(opened.error());
    }
    state_->opened = true;
  }
  if (auto packed = state_->pack_some(); !packed) return std::unexpected(packed.error());
  return std::span<const std::byte>(state_->out);
}

namespace {

awaitable<result<void>> send_pieces(exchange& now, service& shared, archive_stream& packed) {
  while (now.wants_body()) {
    const auto piece = co_await net::on_pool(shared.pool, [&packed] { return packed.next(); });
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) break;
    const auto sent = co_await now.write(*piece);
    if (!sent) co_return sent;
  }
  co_return co_await now.end();
}

awaitable<result<void>> send_archive(exchange& now, service& shared, const store::rel_path& path,
                                     archive_format format) {
  const bool is_zip = format == archive_format::zip;
  const std::string name = path.is_root() ? "files" : std::string(path.name());
  response head(status::ok);
  head.add("Content-Type", is_zip ? "application/zip" : "application/x-tar")
      .add("Content-Disposition", disposition(name + (is_zip ? ".zip" : ".tar"), false))
      .add("Cache-Control", "no-store");
  now.begin(head, std::nullopt);
  archive_stream packed(shared, now.caller(), path.text(), format);
  co_return co_await send_pieces(now, shared, packed);
}

std::optional<archive_format> format_of(std::string_view name) {
  if (name == "zip") return archive_format::zip;
  if (name == "tar") return archive_format::tar;
  return std::nullopt;
}

// The folder that the request names.
result<store::rel_path> find_folder(service& shared, const exchange& now, std::string_view text) {
  const auto taken = now.permit<right::take>(text);
  if (!taken) return std::unexpected(taken.error());
  const auto seen = now.permit<right::see>(text);
  if (!seen) return std::unexpected(seen.error());
  auto path = store::rel_path::parse(text);
  if (!path) return path;
  const auto there = shared.tree.stat(*seen);
  if (!there) return std::unexpected(there.error());
  if (there->kind == store::entry_kind::folder) return path;
  return fail(errc::not_a_file,
              "pack " + path->text() + ": only a folder can be had as an archive");
}

}  // namespace

awaitable<result<void>> get_archive(exchange& now, service& shared) {
  const auto format = format_of(now.asked().parameter("archive").value_or(""));
  if (!format) {
    const problem unknown(status::bad_request, "archive is zip or tar");
    co_return co_await now.refuse(unknown);
  }
  const std::string_view text = now.asked().below("/files/");
  const auto path = co_await net::on_pool(
      shared.pool, [&shared, &now, text] { return find_folder(shared, now, text); });
  if (!path) co_return std::unexpected(path.error());
  const auto place = shared.archives.try_take();
  if (!place) co_return fail(errc::busy, "as many archives are being made as may be");
  co_return co_await send_archive(now, shared, *path, *format);
}

}  // namespace sluice::http
