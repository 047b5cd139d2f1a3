// The uploads that are under way, the blocks of each that are durable, and, for a day, those that
// are done. All calls may throw soci_error, see session.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "catalog/content.h"
#include "catalog/session.h"

namespace sluice::catalog {

enum class upload_state : std::uint8_t {
  open,        // blocks arrive
  publishing,  // whole and synced; the next step gives it its name, and may be taken again
  done,        // published; the row remembers it for those who missed the answer
  untold,      // open, and nobody knows its id: of no use after a restart
};

// How the bytes of an upload come, and what becomes of them.
enum class upload_form : std::uint8_t {
  blocks,  // in any order, a block at a time
  serial,  // from the beginning to the end, any number at a time
  part,    // the same; it has no name, and becomes a part of another one
  joined,  // made of parts
};

// What an upload may replace: the file of that name with this size and time, and no other.
struct replaced_file {
  std::uint64_t size_bytes = 0;
  std::int64_t mtime_ns = 0;
  friend bool operator==(const replaced_file&, const replaced_file&) = default;
};

struct upload_row {
  std::string id;                           // 32 hexadecimal digits
  std::string path;                         // the final name
  std::optional<std::uint64_t> size_bytes;  // not known yet: none
  std::int64_t mtime_ns = 0;                // that the file will have
  bool executable = false;
  std::optional<replaced_file> replaces;
  bool make_parents = false;   // make the missing folders above the name
  std::int64_t created_s = 0;  // wall clock, for people
  std::int64_t active_s = 0;   // the same: the last block that became durable
  // Seconds without activity, counted by the steady clock while a server runs. What expires does
  // so by this, so that a jump of the wall clock ends no upload early. Time off does not count.
  std::int64_t idle_s = 0;
  upload_state state = upload_state::open;
  file_identity file;  // from `publishing` on: of the partial, later of what was published
  upload_form form = upload_form::blocks;
  std::string note;              // what a protocol keeps with it, in that protocol's words
  std::string part_of;           // the id of the upload that this one is a part of, or ""
  std::uint64_t part_index = 0;  // its place there, from 0; of a joined one how many it has
  std::string owner;             // who began it, by an opaque id; "": anybody
};

// The bytes of an unfinished block that are durable, of an upload that comes from the beginning to
// the end: from the beginning of the block to `end_bytes` of the file, which is inside the block.
struct held_tail {
  std::uint64_t end_bytes = 0;
  base::digest128 digest;  // of these bytes
  friend bool operator==(const held_tail&, const held_tail&) = default;
};

struct held_block {
  std::uint64_t block = 0;
  base::digest128 digest;
  friend bool operator==(const held_block&, const held_block&) = default;
};

void insert_upload(session& s, const upload_row& row);
[[nodiscard]] std::optional<upload_row> find_upload(session& s, const std::string& id);
// Those in state `open` for this name.
[[nodiscard]] std::vector<upload_row> open_uploads_of(session& s, const std::string& path);
[[nodiscard]] std::vector<upload_row> all_uploads(session& s);

// Blocks that are durable now; a digest that is there already is replaced. Notes the activity.
// False: there is no such upload any more.
[[nodiscard]] bool add_blocks(session& s, const std::string& id,
                              const std::vector<held_block>& blocks, std::int64_t now_s);
// In the order of the blocks.
[[nodiscard]] std::vector<held_block> blocks_of(session& s, const std::string& id);
// How many each upload has, where it has any; by its id.
[[nodiscard]] std::map<std::string, std::uint64_t> count_blocks(session& s);
// The durable tail, in place of the one before, and the same the other way. Notes the activity.
// False: there is no such upload any more.
[[nodiscard]] bool set_tail(session& s, const std::string& id, const std::optional<held_tail>& tail,
                            std::int64_t now_s);
[[nodiscard]] std::optional<held_tail> tail_of(session& s, const std::string& id);
// In their order.
[[nodiscard]] std::vector<upload_row> parts_of(session& s, const std::string& whole_id);
// False: there is no such upload any more.
[[nodiscard]] bool set_part_of(session& s, const std::string& id, const std::string& whole_id,
                               std::uint64_t index);
// Once the size of an upload is known.
void set_size(session& s, const std::string& id, std::uint64_t size_bytes);
// What a resuming request asked for differently: the mode, the folders and what may be replaced.
void set_wishes(session& s, const upload_row& row);
void set_path(session& s, const std::string& id, const std::string& path);
void remove_block(session& s, const std::string& id, std::uint64_t block);

// The state, the size and the identity that come with it; `done` also forgets the blocks.
// False: there is no such upload any more.
[[nodiscard]] bool set_state(session& s, const std::string& id, upload_state state,
                             std::optional<std::uint64_t> size_bytes, const file_identity& file);

void add_idle_time(session& s, std::int64_t seconds);
void remove_upload(session& s, const std::string& id);

}  // namespace sluice::catalog
