#include "catalog/posters.h"

#include "catalog/query.h"

namespace sluice::catalog {
namespace {

std::int64_t signed_bits(std::uint64_t value) { return static_cast<std::int64_t>(value); }

std::int64_t last_number(session& s) {
  std::int64_t number = 0;
  query q(s, "SELECT COALESCE(MAX(number), 0) FROM poster");
  q.out(number);
  (void)q.next();
  return number;
}

}  // namespace

void put_poster(session& s, const content_state& of, std::span<const std::byte> picture,
                std::int64_t most) {
  const auto dev = signed_bits(of.file.dev);
  const auto ino = signed_bits(of.file.ino);
  const auto size = signed_bits(of.size_bytes);
  const auto number = last_number(s) + 1;
  bytes_column bytes(s, picture);
  query q(s,
          "INSERT INTO poster (dev, ino, btime_ns, size_bytes, mtime_ns, number, picture) "
          "VALUES (:dev, :ino, :btime, :size, :mtime, :number, :picture) "
          "ON CONFLICT (dev, ino, btime_ns) DO UPDATE SET size_bytes = excluded.size_bytes, "
          "mtime_ns = excluded.mtime_ns, number = excluded.number, picture = excluded.picture");
  q.in(dev).in(ino).in(of.file.btime_ns).in(size).in(of.mtime_ns).in(number);
  bytes.bind_in(q);
  q.run();
  // Numbers have gaps where some were removed: then fewer are kept, and never more.
  const auto oldest = number - most;
  query(s, "DELETE FROM poster WHERE number <= :oldest").in(oldest).run();
}

std::vector<std::byte> find_poster(session& s, const content_state& of) {
  const auto dev = signed_bits(of.file.dev);
  const auto ino = signed_bits(of.file.ino);
  const auto size = signed_bits(of.size_bytes);
  bytes_column picture(s);
  query q(s,
          "SELECT picture FROM poster WHERE dev = :dev AND ino = :ino "
          "AND btime_ns = :btime AND size_bytes = :size AND mtime_ns = :mtime");
  q.in(dev).in(ino).in(of.file.btime_ns).in(size).in(of.mtime_ns);
  picture.bind_out(q);
  if (!q.next()) return {};
  return picture.get();
}

}  // namespace sluice::catalog
