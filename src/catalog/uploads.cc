#include "catalog/uploads.h"

#include <cstring>

#include "catalog/query.h"

namespace sluice::catalog {
namespace {

// The columns of a row in the types that SOCI binds.
struct columns {
  std::string id;
  std::string path;
  number_column size_bytes;
  std::int64_t mtime_ns = 0;
  std::int64_t executable = 0;
  number_column replaces_size_bytes;
  number_column replaces_mtime_ns;
  std::int64_t make_parents = 0;
  std::int64_t created_s = 0;
  std::int64_t active_s = 0;
  std::int64_t idle_s = 0;
  std::int64_t state = 0;
  std::int64_t dev = 0;
  std::int64_t ino = 0;
  std::int64_t btime_ns = 0;
  std::int64_t form = 0;
  std::string note;
  std::string part_of;
  std::int64_t part_index = 0;
  std::string owner;
};

#define SLUICE_UPLOAD_COLUMNS                                                            \
  "id, path, size_bytes, mtime_ns, executable, replaces_size_bytes, replaces_mtime_ns, " \
  "make_parents, created_s, active_s, idle_s, state, dev, ino, btime_ns, form, note, "   \
  "part_of, part_index, owner"

std::optional<std::int64_t> to_number(std::optional<std::uint64_t> value) {
  if (!value) return std::nullopt;
  return static_cast<std::int64_t>(*value);
}

std::optional<std::uint64_t> to_size(const number_column& column) {
  const auto value = column.get();
  if (!value) return std::nullopt;
  return static_cast<std::uint64_t>(*value);
}

columns to_columns(const upload_row& row) {
  columns c;
  c.id = row.id;
  c.path = row.path;
  c.size_bytes = number_column(to_number(row.size_bytes));
  c.mtime_ns = row.mtime_ns;
  c.executable = row.executable ? 1 : 0;
  if (row.replaces) {
    c.replaces_size_bytes = number_column(to_number(row.replaces->size_bytes));
    c.replaces_mtime_ns = number_column(row.replaces->mtime_ns);
  }
  c.make_parents = row.make_parents ? 1 : 0;
  c.created_s = row.created_s;
  c.active_s = row.active_s;
  c.idle_s = row.idle_s;
  c.state = static_cast<std::int64_t>(row.state);
  c.dev = static_cast<std::int64_t>(row.file.dev);
  c.ino = static_cast<std::int64_t>(row.file.ino);
  c.btime_ns = row.file.btime_ns;
  c.form = static_cast<std::int64_t>(row.form);
  c.note = row.note;
  c.part_of = row.part_of;
  c.part_index = static_cast<std::int64_t>(row.part_index);
  c.owner = row.owner;
  return c;
}

upload_row to_row(const columns& c) {
  upload_row row;
  row.id = c.id;
  row.path = c.path;
  row.size_bytes = to_size(c.size_bytes);
  row.mtime_ns = c.mtime_ns;
  row.executable = c.executable != 0;
  const auto replaced_size = to_size(c.replaces_size_bytes);
  const auto replaced_mtime = c.replaces_mtime_ns.get();
  if (replaced_size && replaced_mtime) row.replaces = {*replaced_size, *replaced_mtime};
  row.make_parents = c.make_parents != 0;
  row.created_s = c.created_s;
  row.active_s = c.active_s;
  row.idle_s = c.idle_s;
  row.state = static_cast<upload_state>(c.state);
  row.file = {static_cast<std::uint64_t>(c.dev), static_cast<std::uint64_t>(c.ino), c.btime_ns};
  row.form = static_cast<upload_form>(c.form);
  row.note = c.note;
  row.part_of = c.part_of;
  row.part_index = static_cast<std::uint64_t>(c.part_index);
  row.owner = c.owner;
  return row;
}

void bind_out(query& q, columns& c) {
  q.out(c.id).out(c.path);
  c.size_bytes.bind_out(q);
  q.out(c.mtime_ns).out(c.executable);
  c.replaces_size_bytes.bind_out(q);
  c.replaces_mtime_ns.bind_out(q);
  q.out(c.make_parents).out(c.created_s).out(c.active_s).out(c.idle_s).out(c.state);
  q.out(c.dev).out(c.ino).out(c.btime_ns);
  q.out(c.form).out(c.note).out(c.part_of).out(c.part_index).out(c.owner);
}

std::vector<upload_row> read_rows(query& q) {
  columns c;
  bind_out(q, c);
  std::vector<upload_row> rows;
  while (q.next()) rows.push_back(to_row(c));
  return rows;
}

}  // namespace

void insert_upload(session& s, const upload_row& row) {
  columns c = to_columns(row);
  query q(s, "INSERT INTO upload (" SLUICE_UPLOAD_COLUMNS
             ") VALUES (:id, :path, :size, :mtime, :executable, :replaces_size, :replaces_mtime, "
             ":parents, :created, :active, :idle, :state, :dev, :ino, :btime, :form, :note, "
             ":part_of, :part_index, :owner)");
  q.in(c.id).in(c.path);
  c.size_bytes.bind_in(q);
  q.in(c.mtime_ns).in(c.executable);
  c.replaces_size_bytes.bind_in(q);
  c.replaces_mtime_ns.bind_in(q);
  q.in(c.make_parents).in(c.created_s).in(c.active_s).in(c.idle_s).in(c.state);
  q.in(c.dev).in(c.ino).in(c.btime_ns);
  q.in(c.form).in(c.note).in(c.part_of).in(c.part_index).in(c.owner);
  q.run();
}

std::optional<upload_row> find_upload(session& s, const std::string& id) {
  query q(s, "SELECT " SLUICE_UPLOAD_COLUMNS " FROM upload WHERE id = :id");
  q.in(id);
  auto rows = read_rows(q);
  if (rows.empty()) return std::nullopt;
  return std::move(rows.front());
}

std::vector<upload_row> open_uploads_of(session& s, const std::string& path) {
  query q(s, "SELECT " SLUICE_UPLOAD_COLUMNS
             " FROM upload WHERE path = :path AND state = 0 ORDER BY created_s DESC, id");
  q.in(path);
  return read_rows(q);
}

std::vector<upload_row> all_uploads(session& s) {
  query q(s, "SELECT " SLUICE_UPLOAD_COLUMNS " FROM upload ORDER BY id");
  return read_rows(q);
}

bool add_blocks(session& s, const std::string& id, const std::vector<held_block>& blocks,
                std::int64_t now_s) {
  if (query(s, "UPDATE upload SET active_s = :now, idle_s = 0 WHERE id = :id")
          .in(now_s)
          .in(id)
          .run() == 0) {
    return false;
  }
  for (const auto& held : blocks) {
    const auto block = static_cast<std::int64_t>(held.block);
    bytes_column digest(s, held.digest.bytes);
    query q(s,
            "INSERT INTO upload_block (upload_id, block, digest) VALUES (:id, :block, :digest) "
            "ON CONFLICT (upload_id, block) DO UPDATE SET digest = excluded.digest");
    q.in(id).in(block);
    digest.bind_in(q);
    q.run();
  }
  return true;
}

std::vector<held_block> blocks_of(session& s, const std::string& id) {
  std::int64_t block = 0;
  bytes_column digest(s);
  query q(s, "SELECT block, digest FROM upload_block WHERE upload_id = :id ORDER BY block");
  q.in(id).out(block);
  digest.bind_out(q);
  std::vector<held_block> blocks;
  while (q.next()) {
    const auto bytes = digest.get();
    held_block held{static_cast<std::uint64_t>(block), {}};
    if (bytes.size() != sizeof held.digest.bytes) continue;  // unreadable is the same as not there
    std::memcpy(held.digest.bytes.data(), bytes.data(), bytes.size());
    blocks.push_back(held);
  }
  return blocks;
}

std::map<std::string, std::uint64_t> count_blocks(session& s) {
  std::string id;
  std::int64_t count = 0;
  query q(s, "SELECT upload_id, COUNT(*) FROM upload_block GROUP BY upload_id");
  q.out(id).out(count);
  std::map<std::string, std::uint64_t> counts;
  while (q.next()) counts[id] = static_cast<std::uint64_t>(count);
  return counts;
}

bool set_tail(session& s, const std::string& id, const std::optional<held_tail>& tail,
              std::int64_t now_s) {
  number_column end(tail ? std::optional(static_cast<std::int64_t>(tail->end_bytes))
                         : std::nullopt);
  bytes_column digest(
      s, tail ? std::span<const std::byte>(tail->digest.bytes) : std::span<const std::byte>());
  query q(s,
          "UPDATE upload SET tail_end = :tail_end, tail_digest = :digest, active_s = :now, "
          "idle_s = 0 WHERE id = :id");
  end.bind_in(q);
  digest.bind_in(q);
  q.in(now_s).in(id);
  return q.run() != 0;
}

std::optional<held_tail> tail_of(session& s, const std::string& id) {
  number_column end;
  bytes_column digest(s);
  query q(s, "SELECT tail_end, tail_digest FROM upload WHERE id = :id");
  q.in(id);
  end.bind_out(q);
  digest.bind_out(q);
  std::optional<held_tail> found;
  while (q.next()) {
    const auto bytes = digest.get();
    held_tail tail{static_cast<std::uint64_t>(end.get().value_or(0)), {}};
    if (bytes.size() != sizeof tail.digest.bytes) continue;
    std::memcpy(tail.digest.bytes.data(), bytes.data(), bytes.size());
    found = tail;
  }
  return found;
}

std::vector<upload_row> parts_of(session& s, const std::string& whole_id) {
  query q(s, "SELECT " SLUICE_UPLOAD_COLUMNS
             " FROM upload WHERE part_of = :whole ORDER BY part_index, id");
  q.in(whole_id);
  return read_rows(q);
}

bool set_part_of(session& s, const std::string& id, const std::string& whole_id,
                 std::uint64_t index) {
  const auto number = static_cast<std::int64_t>(index);
  return query(s, "UPDATE upload SET part_of = :whole, part_index = :number WHERE id = :id")
             .in(whole_id)
             .in(number)
             .in(id)
             .run() != 0;
}

void set_size(session& s, const std::string& id, std::uint64_t size_bytes) {
  const auto size = static_cast<std::int64_t>(size_bytes);
  query(s, "UPDATE upload SET size_bytes = :size WHERE id = :id").in(size).in(id).run();
}

void set_wishes(session& s, const upload_row& row) {
  columns c = to_columns(row);
  query q(s,
          "UPDATE upload SET executable = :executable, replaces_size_bytes = :replaces_size, "
          "replaces_mtime_ns = :replaces_mtime, make_parents = :parents WHERE id = :id");
  q.in(c.executable);
  c.replaces_size_bytes.bind_in(q);
  c.replaces_mtime_ns.bind_in(q);
  q.in(c.make_parents).in(c.id);
  q.run();
}

void set_path(session& s, const std::string& id, const std::string& path) {
  query(s, "UPDATE upload SET path = :path WHERE id = :id").in(path).in(id).run();
}

void remove_block(session& s, const std::string& id, std::uint64_t block) {
  const auto number = static_cast<std::int64_t>(block);
  query(s, "DELETE FROM upload_block WHERE upload_id = :id AND block = :block")
      .in(id)
      .in(number)
      .run();
}

bool set_state(session& s, const std::string& id, upload_state state,
               std::optional<std::uint64_t> size_bytes, const file_identity& file) {
  const auto number = static_cast<std::int64_t>(state);
  number_column size(to_number(size_bytes));
  const auto dev = static_cast<std::int64_t>(file.dev);
  const auto ino = static_cast<std::int64_t>(file.ino);
  query q(s,
          "UPDATE upload SET state = :state, size_bytes = :size, dev = :dev, ino = :ino, "
          "btime_ns = :btime, idle_s = 0 WHERE id = :id");
  q.in(number);
  size.bind_in(q);
  q.in(dev).in(ino).in(file.btime_ns).in(id);
  if (q.run() == 0) return false;
  if (state == upload_state::done) {
    query(s, "DELETE FROM upload_block WHERE upload_id = :id").in(id).run();
  }
  return true;
}

void add_idle_time(session& s, std::int64_t seconds) {
  query(s, "UPDATE upload SET idle_s = idle_s + :seconds").in(seconds).run();
}

void remove_upload(session& s, const std::string& id) {
  query(s, "DELETE FROM upload WHERE id = :id").in(id).run();
}

}  // namespace sluice::catalog
