#include "catalog/content.h"

#include <algorithm>
#include <cstring>

#include "catalog/query.h"

namespace sluice::catalog {
namespace {

// SQL has no unsigned numbers: device and inode keep their bits.
std::int64_t signed_bits(std::uint64_t value) { return static_cast<std::int64_t>(value); }

std::vector<base::digest128> to_digests(const std::vector<std::byte>& bytes) {
  std::vector<base::digest128> digests(bytes.size() / sizeof(base::digest128));
  if (!digests.empty()) {
    std::memcpy(digests.data(), bytes.data(), digests.size() * sizeof(base::digest128));
  }
  return digests;
}

std::optional<sha256_digest> to_sha256(const std::vector<std::byte>& bytes) {
  if (bytes.size() != sizeof(sha256_digest)) return std::nullopt;
  sha256_digest digest;
  std::ranges::copy(bytes, digest.begin());
  return digest;
}

}  // namespace

void put_content(session& s, const content_row& row) {
  const auto dev = signed_bits(row.file.dev);
  const auto ino = signed_bits(row.file.ino);
  const auto size_bytes = signed_bits(row.size_bytes);
  bytes_column digests(s, std::as_bytes(std::span(row.digests)));
  bytes_column sha256(
      s, row.sha256 ? std::span<const std::byte>(*row.sha256) : std::span<const std::byte>());
  query q(s,
          "INSERT INTO content (dev, ino, btime_ns, size_bytes, mtime_ns, digests, sha256) "
          "VALUES (:dev, :ino, :btime, :size, :mtime, :digests, :sha256) "
          "ON CONFLICT (dev, ino, btime_ns) DO UPDATE SET size_bytes = excluded.size_bytes, "
          "mtime_ns = excluded.mtime_ns, digests = excluded.digests, sha256 = excluded.sha256");
  q.in(dev).in(ino).in(row.file.btime_ns).in(size_bytes).in(row.mtime_ns);
  digests.bind_in(q);
  sha256.bind_in(q);
  q.run();
}

std::optional<content_row> find_content(session& s, const file_identity& file,
                                        std::uint64_t size_bytes, std::int64_t mtime_ns) {
  const auto dev = signed_bits(file.dev);
  const auto ino = signed_bits(file.ino);
  const auto size = signed_bits(size_bytes);
  bytes_column digests(s);
  bytes_column sha256(s);
  query q(s,
          "SELECT digests, sha256 FROM content WHERE dev = :dev AND ino = :ino "
          "AND btime_ns = :btime AND size_bytes = :size AND mtime_ns = :mtime");
  q.in(dev).in(ino).in(file.btime_ns).in(size).in(mtime_ns);
  digests.bind_out(q);
  sha256.bind_out(q);
  if (!q.next()) return std::nullopt;
  return content_row{file, size_bytes, mtime_ns, to_digests(digests.get()),
                     to_sha256(sha256.get())};
}

std::optional<sha256_digest> find_sha256(session& s, const file_identity& file,
                                         std::uint64_t size_bytes, std::int64_t mtime_ns) {
  const auto dev = signed_bits(file.dev);
  const auto ino = signed_bits(file.ino);
  const auto size = signed_bits(size_bytes);
  bytes_column sha256(s);
  query q(s,
          "SELECT sha256 FROM content WHERE dev = :dev AND ino = :ino "
          "AND btime_ns = :btime AND size_bytes = :size AND mtime_ns = :mtime");
  q.in(dev).in(ino).in(file.btime_ns).in(size).in(mtime_ns);
  sha256.bind_out(q);
  if (!q.next()) return std::nullopt;
  return to_sha256(sha256.get());
}

void remove_content(session& s, const file_identity& file) {
  const auto dev = signed_bits(file.dev);
  const auto ino = signed_bits(file.ino);
  for (const auto* statement :
       {"DELETE FROM content WHERE dev = :dev AND ino = :ino AND btime_ns = :btime",
        "DELETE FROM poster WHERE dev = :dev AND ino = :ino AND btime_ns = :btime"}) {
    query(s, statement).in(dev).in(ino).in(file.btime_ns).run();
  }
}

}  // namespace sluice::catalog
