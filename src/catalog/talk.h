// What was said about files and folders. All calls may throw soci_error, see session.h. What it
// means is the talk room's business.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "catalog/content.h"
#include "catalog/session.h"

namespace sluice::catalog {

// The conversation about what is at a path; its messages belong to the room and not to the path,
// so that a rename is one change of this row.
struct room_row {
  std::int64_t id = 0;
  std::string path;
  std::int64_t messages = 0;  // also those that were deleted
  file_identity file{};       // what it is about; of zeros: not known
};

struct message_row {
  std::int64_t id = 0;  // the number of the change that brought it
  std::int64_t room_id = 0;
  std::int64_t version = 0;  // the number of its last change
  std::string account_id{};  // "": somebody without an account
  std::string author{};
  bool guest = false;
  std::int64_t time_ms = 0;  // since 1970-01-01 UTC
  std::string text{};
  std::optional<std::int64_t> at_ms{};
  std::optional<std::int64_t> until_ms{};
  std::optional<std::int64_t> reply_to{};
  bool resolved = false;
  bool edited = false;
  bool deleted = false;
  std::string drawing{};  // "": none
  std::string nonce{};    // "": none
};

// Numbers of changes: ascending in the whole catalog, none is given twice.
[[nodiscard]] std::int64_t next_change(session& s);

[[nodiscard]] std::optional<room_row> find_room(session& s, const std::string& path);
[[nodiscard]] room_row find_or_make_room(session& s, const std::string& path);
// By what it is about.
[[nodiscard]] std::optional<room_row> find_room(session& s, const file_identity& file);
void set_room_file(session& s, std::int64_t room_id, const file_identity& file);
// Of one room; nothing has the new path.
void set_room_path(session& s, std::int64_t room_id, const std::string& path);
// Whether there is one for the path or for anything below it.
[[nodiscard]] bool has_rooms(session& s, const std::string& path);
// Of the path and of all below it: nothing that was said in them is found any more. Deleting it may
// take long: see `sweep_rooms`.
void remove_rooms(session& s, const std::string& path);
// The same, to another path; rooms that are there are removed.
void move_rooms(session& s, const std::string& from, const std::string& to);
// Deletes what is left of rooms that were removed, so many rows at the most. True: there is more.
[[nodiscard]] bool sweep_rooms(session& s, std::int64_t rows_max);
[[nodiscard]] bool has_removed_rooms(session& s);

// Counts it in its room.
void insert_message(session& s, const message_row& row);
// What can change of it: version, text, resolved, edited, deleted, drawing.
void update_message(session& s, const message_row& row);

[[nodiscard]] std::optional<message_row> find_message(session& s, std::int64_t room_id,
                                                      std::int64_t id);
[[nodiscard]] std::optional<message_row> find_message_by_nonce(session& s, std::int64_t room_id,
                                                               const std::string& account_id,
                                                               const std::string& nonce);
// The newest ones with a lower id, the newest first.
[[nodiscard]] std::vector<message_row> messages_before(session& s, std::int64_t room_id,
                                                       std::int64_t id, std::int64_t limit);
// What changed after that, in the order of the changes.
[[nodiscard]] std::vector<message_row> messages_after(session& s, std::int64_t room_id,
                                                      std::int64_t version, std::int64_t limit);
// The newest ones that have `part` in them, the newest first. Letters of ASCII are compared without
// their case.
[[nodiscard]] std::vector<message_row> messages_with(session& s, std::int64_t room_id,
                                                     const std::string& part, std::int64_t limit);
// 0: nothing was said.
[[nodiscard]] std::int64_t newest_version(session& s, std::int64_t room_id);

}  // namespace sluice::catalog
