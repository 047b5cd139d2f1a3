#include "transfer/whole_digest.h"

#include <openssl/evp.h>

#include <algorithm>

#include "base/limits.h"
#include "base/log.h"
#include "transfer/names.h"

namespace sluice::transfer {
namespace {

constexpr std::uint64_t blocks_a_step = 8;

struct free_context {
  void operator()(EVP_MD_CTX* context) const noexcept { ::EVP_MD_CTX_free(context); }
};

result<std::optional<catalog::content_row>> find_row(site& where, const store::entry& file) {
  return where.catalog.read([&](catalog::session& s) {
    return catalog::find_content(s, to_catalog(file.id), file.size_bytes, file.mtime_ns);
  });
}

}  // namespace

struct whole_digest::state {
  std::unique_ptr<EVP_MD_CTX, free_context> context{::EVP_MD_CTX_new()};
  std::vector<std::byte> block;
};

result<std::vector<std::optional<catalog::sha256_digest>>> find_sha256(
    site& where, std::span<const store::entry> files) {
  return where.catalog.read([&](catalog::session& s) {
    std::vector<std::optional<catalog::sha256_digest>> found;
    found.reserve(files.size());
    for (const auto& file : files) {
      found.push_back(catalog::find_sha256(s, to_catalog(file.id), file.size_bytes, file.mtime_ns));
    }
    return found;
  });
}

whole_digest::whole_digest(site& where, std::shared_ptr<const store::content> file)
    : site_(where), file_(std::move(file)), state_(std::make_unique<state>()) {}
whole_digest::~whole_digest() = default;
whole_digest::whole_digest(whole_digest&&) noexcept = default;

result<bool> whole_digest::step() {
  auto* context = state_->context.get();
  if (offset_ == 0 && ::EVP_DigestInit_ex(context, ::EVP_sha256(), nullptr) != 1) {
    return fail(errc::internal, "begin a SHA-256");
  }
  const std::uint64_t size_bytes = file_->info().size_bytes;
  state_->block.resize(std::min<std::uint64_t>(base::block_bytes, size_bytes));
  for (std::uint64_t i = 0; i < blocks_a_step && offset_ < size_bytes; ++i) {
    const auto into = std::span(state_->block)
                          .first(std::min<std::uint64_t>(base::block_bytes, size_bytes - offset_));
    const auto got = file_->pread(offset_, into);
    if (!got) return std::unexpected(got.error());
    if (*got < into.size()) return fail(errc::changed, "digest " + file_->info().name);
    if (::EVP_DigestUpdate(context, into.data(), into.size()) != 1) {
      return fail(errc::internal, "update a SHA-256");
    }
    blocks_.push_back(base::digest_of(into));
    offset_ += into.size();
  }
  if (offset_ < size_bytes) return false;
  if (auto done = finish(); !done) return std::unexpected(done.error());
  return true;
}

result<void> whole_digest::finish() {
  unsigned size = 0;
  if (::EVP_DigestFinal_ex(state_->context.get(), reinterpret_cast<unsigned char*>(digest_.data()),
                           &size) != 1) {
    return fail(errc::internal, "finish a SHA-256");
  }
  if (auto same = file_->check_unchanged(); !same) return same;
  const auto& file = file_->info();
  const auto row = find_row(site_, file);
  if (!row) return std::unexpected(row.error());
  if (*row && !(*row)->digests.empty() && (*row)->digests != blocks_) {
    return fail(errc::bad_digest, "digest " + file.name + ": it is not what was received");
  }
  if (may_still_change(file)) return {};
  site_.catalog.write(
      [known = catalog::content_row{to_catalog(file.id), file.size_bytes, file.mtime_ns, blocks_,
                                    digest_}](catalog::session& s) -> result<void> {
        catalog::put_content(s, known);
        return {};
      },
      [](const result<void>& committed) {
        if (!committed) base::log_warning("record a SHA-256: {}", committed.error().message());
      });
  return {};
}

}  // namespace sluice::transfer
