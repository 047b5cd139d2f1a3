#include "catalog/talk.h"

#include "catalog/query.h"

namespace sluice::catalog {
namespace {

#define SLUICE_SELECT_MESSAGES                                                               \
  "SELECT id, room_id, version, account_id, author, guest, time_ms, text, at_ms, until_ms, " \
  "reply_to, resolved, edited, deleted, drawing, nonce FROM talk_message "

// One row of SLUICE_SELECT_MESSAGES, as it is read.
class message_columns {
 public:
  void bind_out(query& q) {
    q.out(row_.id).out(row_.room_id).out(row_.version).out(row_.account_id).out(row_.author);
    q.out(guest_).out(row_.time_ms).out(row_.text);
    at_.bind_out(q);
    until_.bind_out(q);
    reply_.bind_out(q);
    q.out(resolved_).out(edited_).out(deleted_).out(row_.drawing).out(row_.nonce);
  }

  [[nodiscard]] message_row get() const {
    message_row row = row_;
    row.guest = guest_ != 0;
    row.at_ms = at_.get();
    row.until_ms = until_.get();
    row.reply_to = reply_.get();
    row.resolved = resolved_ != 0;
    row.edited = edited_ != 0;
    row.deleted = deleted_ != 0;
    return row;
  }

 private:
  message_row row_;
  std::int64_t guest_ = 0;
  number_column at_, until_, reply_;
  std::int64_t resolved_ = 0;
  std::int64_t edited_ = 0;
  std::int64_t deleted_ = 0;
};

std::vector<message_row> all_of(query& q) {
  message_columns columns;
  columns.bind_out(q);
  std::vector<message_row> rows;
  while (q.next()) rows.push_back(columns.get());
  return rows;
}

std::optional<message_row> first_of(query& q) {
  auto rows = all_of(q);
  if (rows.empty()) return std::nullopt;
  return std::move(rows.front());
}

// For LIKE with ESCAPE '!'.
std::string pattern_of(const std::string& part) {
  std::string pattern = "%";
  for (const char c : part) {
    if (c == '%' || c == '_' || c == '!') pattern += '!';
    pattern += c;
  }
  return pattern + '%';
}

// The condition for "at that path or below it" with four values in it. Not LIKE, which would heed
// no case, nor a range of texts, whose order is the database's.
struct at_or_below {
  std::string path;
  std::string above = path.empty() ? "" : path + '/';

  void bind_in(query& q) const { q.in(path).in(above).in(above); }
};
#define SLUICE_AT_OR_BELOW "(path = :at OR substr(path, 1, length(:above1)) = :above2)"

// No path begins with a slash: under such a one a room is nobody's.
#define SLUICE_REMOVED "(substr(path, 1, 1) = '/')"

#define SLUICE_SELECT_ROOMS "SELECT id, path, messages, dev, ino, btime_ns FROM talk_room "

// The first row of SLUICE_SELECT_ROOMS.
std::optional<room_row> room_of(query& q) {
  room_row row;
  std::int64_t dev = 0;
  std::int64_t ino = 0;
  q.out(row.id).out(row.path).out(row.messages).out(dev).out(ino).out(row.file.btime_ns);
  if (!q.next()) return std::nullopt;
  row.file.dev = static_cast<std::uint64_t>(dev);
  row.file.ino = static_cast<std::uint64_t>(ino);
  return row;
}

std::vector<std::int64_t> removed_rooms(session& s, std::int64_t limit) {
  std::vector<std::int64_t> found;
  std::int64_t id = 0;
  query q(s, "SELECT id FROM talk_room WHERE " SLUICE_REMOVED " LIMIT :limit");
  q.in(limit).out(id);
  while (q.next()) found.push_back(id);
  return found;
}

}  // namespace

std::int64_t next_change(session& s) {
  query(s, "UPDATE talk_change SET last = last + 1").run();
  std::int64_t number = 0;
  query q(s, "SELECT last FROM talk_change");
  q.out(number);
  (void)q.next();
  return number;
}

std::optional<room_row> find_room(session& s, const std::string& path) {
  query q(s, SLUICE_SELECT_ROOMS "WHERE path = :path");
  q.in(path);
  return room_of(q);
}

std::optional<room_row> find_room(session& s, const file_identity& file) {
  query q(s, SLUICE_SELECT_ROOMS
          "WHERE ino = :ino AND dev = :dev AND btime_ns = :btime AND NOT " SLUICE_REMOVED
          " ORDER BY id DESC");
  const auto ino = static_cast<std::int64_t>(file.ino);
  const auto dev = static_cast<std::int64_t>(file.dev);
  q.in(ino).in(dev).in(file.btime_ns);
  return room_of(q);
}

void set_room_file(session& s, std::int64_t room_id, const file_identity& file) {
  const auto dev = static_cast<std::int64_t>(file.dev);
  const auto ino = static_cast<std::int64_t>(file.ino);
  query(s, "UPDATE talk_room SET dev = :dev, ino = :ino, btime_ns = :btime WHERE id = :id")
      .in(dev)
      .in(ino)
      .in(file.btime_ns)
      .in(room_id)
      .run();
}

void set_room_path(session& s, std::int64_t room_id, const std::string& path) {
  query(s, "UPDATE talk_room SET path = :path WHERE id = :id").in(path).in(room_id).run();
}

room_row find_or_make_room(session& s, const std::string& path) {
  if (auto there = find_room(s, path)) return *there;
  const room_row made{.id = next_change(s), .path = path};
  query(s, "INSERT INTO talk_room (id, path, messages) VALUES (:id, :path, 0)")
      .in(made.id)
      .in(path)
      .run();
  return made;
}

bool has_rooms(session& s, const std::string& path) {
  const at_or_below there{path};
  std::int64_t id = 0;
  query q(s, "SELECT id FROM talk_room WHERE " SLUICE_AT_OR_BELOW " LIMIT 1");
  there.bind_in(q);
  q.out(id);
  return q.next();
}

void remove_rooms(session& s, const std::string& path) {
  const at_or_below there{path};
  query q(s, "UPDATE talk_room SET path = '/' || CAST(id AS TEXT) WHERE " SLUICE_AT_OR_BELOW);
  there.bind_in(q);
  q.run();
}

bool has_removed_rooms(session& s) { return !removed_rooms(s, 1).empty(); }

bool sweep_rooms(session& s, std::int64_t rows_max) {
  const auto rooms = removed_rooms(s, rows_max);
  std::int64_t left = rows_max;
  for (const auto room : rooms) {
    const auto asked = left;
    left -= query(s,
                  "DELETE FROM talk_message WHERE id IN "
                  "(SELECT id FROM talk_message WHERE room_id = :room LIMIT :asked)")
                .in(room)
                .in(asked)
                .run();
    if (left == 0) return true;
    query(s, "DELETE FROM talk_room WHERE id = :room").in(room).run();
    if (--left == 0) return true;
  }
  return false;
}

void move_rooms(session& s, const std::string& from, const std::string& to) {
  remove_rooms(s, to);
  const at_or_below there{from};
  query q(s,
          "UPDATE talk_room SET path = :to || substr(path, length(:from) + 1) "
          "WHERE " SLUICE_AT_OR_BELOW);
  q.in(to).in(from);
  there.bind_in(q);
  q.run();
}

void insert_message(session& s, const message_row& row) {
  const std::int64_t guest = row.guest ? 1 : 0;
  number_column at(row.at_ms);
  number_column until(row.until_ms);
  number_column reply(row.reply_to);
  query q(s,
          "INSERT INTO talk_message (id, room_id, version, account_id, author, guest, time_ms, "
          "text, at_ms, until_ms, reply_to, resolved, edited, deleted, drawing, nonce) VALUES "
          "(:id, :room, :version, :account, :author, :guest, :time, :text, :at, :until, :reply, "
          "0, 0, 0, :drawing, :nonce)");
  q.in(row.id).in(row.room_id).in(row.version).in(row.account_id).in(row.author).in(guest);
  q.in(row.time_ms).in(row.text);
  at.bind_in(q);
  until.bind_in(q);
  reply.bind_in(q);
  q.in(row.drawing).in(row.nonce).run();
  query(s, "UPDATE talk_room SET messages = messages + 1 WHERE id = :id").in(row.room_id).run();
}

void update_message(session& s, const message_row& row) {
  const std::int64_t resolved = row.resolved ? 1 : 0;
  const std::int64_t edited = row.edited ? 1 : 0;
  const std::int64_t deleted = row.deleted ? 1 : 0;
  query(s,
        "UPDATE talk_message SET version = :version, text = :text, resolved = :resolved, "
        "edited = :edited, deleted = :deleted, drawing = :drawing WHERE id = :id")
      .in(row.version)
      .in(row.text)
      .in(resolved)
      .in(edited)
      .in(deleted)
      .in(row.drawing)
      .in(row.id)
      .run();
}

std::optional<message_row> find_message(session& s, std::int64_t room_id, std::int64_t id) {
  query q(s, SLUICE_SELECT_MESSAGES "WHERE room_id = :room AND id = :id");
  q.in(room_id).in(id);
  return first_of(q);
}

std::optional<message_row> find_message_by_nonce(session& s, std::int64_t room_id,
                                                 const std::string& account_id,
                                                 const std::string& nonce) {
  query q(s, SLUICE_SELECT_MESSAGES
          "WHERE room_id = :room AND account_id = :account AND nonce = :nonce "
          "AND nonce <> ''");
  q.in(room_id).in(account_id).in(nonce);
  return first_of(q);
}

std::vector<message_row> messages_before(session& s, std::int64_t room_id, std::int64_t id,
                                         std::int64_t limit) {
  query q(s, SLUICE_SELECT_MESSAGES
          "WHERE room_id = :room AND id < :before ORDER BY id DESC LIMIT :limit");
  q.in(room_id).in(id).in(limit);
  return all_of(q);
}

std::vector<message_row> messages_after(session& s, std::int64_t room_id, std::int64_t version,
                                        std::int64_t limit) {
  query q(s, SLUICE_SELECT_MESSAGES
          "WHERE room_id = :room AND version > :after ORDER BY version LIMIT :limit");
  q.in(room_id).in(version).in(limit);
  return all_of(q);
}

std::vector<message_row> messages_with(session& s, std::int64_t room_id, const std::string& part,
                                       std::int64_t limit) {
  const std::string pattern = pattern_of(part);
  query q(s, SLUICE_SELECT_MESSAGES
          "WHERE room_id = :room AND deleted = 0 AND lower(text) LIKE "
          "lower(:pattern) ESCAPE '!' ORDER BY id DESC LIMIT :limit");
  q.in(room_id).in(pattern).in(limit);
  return all_of(q);
}

std::int64_t newest_version(session& s, std::int64_t room_id) {
  std::int64_t version = 0;
  query q(s, "SELECT COALESCE(MAX(version), 0) FROM talk_message WHERE room_id = :room");
  q.in(room_id).out(version);
  (void)q.next();
  return version;
}

}  // namespace sluice::catalog
