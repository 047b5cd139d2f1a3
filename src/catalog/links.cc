#include "catalog/links.h"

#include <cstring>

#include "catalog/query.h"

namespace sluice::catalog {

void insert_link(session& s, const link_row& row) {
  bytes_column digest(s, row.digest);
  number_column expires(row.expires_s);
  number_column max_uses(row.max_uses);
  const auto rights = static_cast<std::int64_t>(row.rights);
  const auto dev = static_cast<std::int64_t>(row.shared.dev);
  const auto ino = static_cast<std::int64_t>(row.shared.ino);
  query q(s,
          "INSERT INTO access_link (id, account_id, digest, rights, path, dev, ino, btime_ns, "
          "label, password, salt, created_s, expires_s, max_uses, uses) VALUES (:id, :account, "
          ":digest, :rights, :path, :dev, :ino, :btime, :label, :password, :salt, :created, "
          ":expires, :max_uses, :uses)");
  q.in(row.id).in(row.account_id);
  digest.bind_in(q);
  q.in(rights).in(row.path).in(dev).in(ino).in(row.shared.btime_ns);
  q.in(row.label).in(row.password).in(row.salt).in(row.created_s);
  expires.bind_in(q);
  max_uses.bind_in(q);
  q.in(row.uses);
  q.run();
}

bool remove_link(session& s, const std::string& id) {
  remove_allowance(s, "link:" + id);
  return query(s, "DELETE FROM access_link WHERE id = :id").in(id).run() != 0;
}

std::vector<link_row> all_links(session& s) {
  link_row row;
  bytes_column digest(s);
  number_column expires;
  number_column max_uses;
  std::int64_t rights = 0;
  std::int64_t dev = 0;
  std::int64_t ino = 0;
  query q(s,
          "SELECT id, account_id, digest, rights, path, dev, ino, btime_ns, label, password, salt, "
          "created_s, expires_s, max_uses, uses FROM access_link ORDER BY created_s, id");
  q.out(row.id).out(row.account_id);
  digest.bind_out(q);
  q.out(rights).out(row.path).out(dev).out(ino).out(row.shared.btime_ns);
  q.out(row.label).out(row.password).out(row.salt).out(row.created_s);
  expires.bind_out(q);
  max_uses.bind_out(q);
  q.out(row.uses);
  std::vector<link_row> rows;
  while (q.next()) {
    const auto bytes = digest.get();
    if (bytes.size() != row.digest.size()) continue;  // unreadable is the same as not there
    std::memcpy(row.digest.data(), bytes.data(), bytes.size());
    row.rights = static_cast<std::uint32_t>(rights);
    row.shared.dev = static_cast<std::uint64_t>(dev);
    row.shared.ino = static_cast<std::uint64_t>(ino);
    row.expires_s = expires.get();
    row.max_uses = max_uses.get();
    rows.push_back(row);
  }
  return rows;
}

void set_link_path(session& s, const std::string& id, const std::string& path) {
  query(s, "UPDATE access_link SET path = :path WHERE id = :id").in(path).in(id).run();
}

bool use_link(session& s, const std::string& id) {
  return query(s,
               "UPDATE access_link SET uses = uses + 1 WHERE id = :id AND "
               "(max_uses IS NULL OR uses < max_uses)")
             .in(id)
             .run() != 0;
}

void put_allowance(session& s, const allowance_row& row) {
  remove_allowance(s, row.owner);
  query(s,
        "INSERT INTO allowance (owner, max_bytes, max_files, max_uploads, max_connections, "
        "rate_bytes, used_bytes, used_files) VALUES (:owner, :max_bytes, :max_files, "
        ":max_uploads, :max_connections, :rate, :used_bytes, :used_files)")
      .in(row.owner)
      .in(row.max_bytes)
      .in(row.max_files)
      .in(row.max_uploads)
      .in(row.max_connections)
      .in(row.rate_bytes)
      .in(row.used_bytes)
      .in(row.used_files)
      .run();
}

void remove_allowance(session& s, const std::string& owner) {
  query(s, "DELETE FROM allowance WHERE owner = :owner").in(owner).run();
}

void remove_allowances_of(session& s, const std::string& account_id) {
  query(s,
        "DELETE FROM allowance WHERE owner = :account OR owner IN "
        "(SELECT 'link:' || id FROM access_link WHERE account_id = :of_links)")
      .in(account_id)
      .in(account_id)
      .run();
}

std::vector<allowance_row> all_allowances(session& s) {
  allowance_row row;
  query q(s,
          "SELECT owner, max_bytes, max_files, max_uploads, max_connections, rate_bytes, "
          "used_bytes, used_files FROM allowance ORDER BY owner");
  q.out(row.owner).out(row.max_bytes).out(row.max_files).out(row.max_uploads);
  q.out(row.max_connections).out(row.rate_bytes).out(row.used_bytes).out(row.used_files);
  std::vector<allowance_row> rows;
  while (q.next()) rows.push_back(row);
  return rows;
}

void charge(session& s, const std::string& owner, std::uint64_t bytes, std::uint64_t files) {
  const auto more_bytes = static_cast<std::int64_t>(bytes);
  const auto more_files = static_cast<std::int64_t>(files);
  query(s,
        "UPDATE allowance SET used_bytes = used_bytes + :bytes, used_files = used_files + :files "
        "WHERE owner = :owner OR owner IN "
        "(SELECT account_id FROM access_link WHERE 'link:' || id = :link)")
      .in(more_bytes)
      .in(more_files)
      .in(owner)
      .in(owner)
      .run();
}

}  // namespace sluice::catalog
