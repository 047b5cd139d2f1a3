#include "catalog/schema.h"

#include <array>
#include <ctime>
#include <string_view>

#include "catalog/query.h"

namespace sluice::catalog {
namespace {

// Each step is a list of statements, each ended by ";\n" as the last thing on its line. A step
// that was released is never changed: what follows is a new step.
//
// The SQL stays within what SQLite and PostgreSQL share: BIGINT, TEXT, ON CONFLICT. Only BLOB is
// SQLite's word (BYTEA there), and WITHOUT ROWID, which has no meaning there.
constexpr std::array<std::string_view, 7> steps = {
    // 1: content and uploads.
    R"sql(
CREATE TABLE content (
  dev BIGINT NOT NULL,
  ino BIGINT NOT NULL,
  btime_ns BIGINT NOT NULL,
  size_bytes BIGINT NOT NULL,
  mtime_ns BIGINT NOT NULL,
  digests BLOB,
  sha256 BLOB,
  PRIMARY KEY (dev, ino, btime_ns)
) WITHOUT ROWID;
CREATE TABLE upload (
  id TEXT NOT NULL PRIMARY KEY,
  path TEXT NOT NULL,
  size_bytes BIGINT,
  mtime_ns BIGINT NOT NULL,
  executable BIGINT NOT NULL,
  replaces_size_bytes BIGINT,
  replaces_mtime_ns BIGINT,
  make_parents BIGINT NOT NULL,
  created_s BIGINT NOT NULL,
  active_s BIGINT NOT NULL,
  idle_s BIGINT NOT NULL,
  state BIGINT NOT NULL,
  dev BIGINT NOT NULL DEFAULT 0,
  ino BIGINT NOT NULL DEFAULT 0,
  btime_ns BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX upload_by_path ON upload (path);
CREATE TABLE upload_block (
  upload_id TEXT NOT NULL REFERENCES upload (id) ON DELETE CASCADE,
  block BIGINT NOT NULL,
  digest BLOB NOT NULL,
  PRIMARY KEY (upload_id, block)
) WITHOUT ROWID;
)sql",
    // 2: uploads that are written from the beginning to the end, and those made of others.
    R"sql(
ALTER TABLE upload ADD COLUMN form BIGINT NOT NULL DEFAULT 0;
ALTER TABLE upload ADD COLUMN tail_end BIGINT;
ALTER TABLE upload ADD COLUMN tail_digest BLOB;
ALTER TABLE upload ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE upload ADD COLUMN part_of TEXT NOT NULL DEFAULT '';
ALTER TABLE upload ADD COLUMN part_index BIGINT NOT NULL DEFAULT 0;
CREATE INDEX upload_by_whole ON upload (part_of);
)sql",
    // 3: who may do what, and whose an upload is.
    R"sql(
CREATE TABLE account (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  password TEXT NOT NULL,
  created_s BIGINT NOT NULL
);
CREATE TABLE account_grant (
  account_id TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  path TEXT NOT NULL,
  rights BIGINT NOT NULL,
  PRIMARY KEY (account_id, path)
) WITHOUT ROWID;
CREATE TABLE access_token (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  digest BLOB NOT NULL,
  label TEXT NOT NULL,
  session BIGINT NOT NULL,
  path TEXT NOT NULL,
  rights BIGINT NOT NULL,
  created_s BIGINT NOT NULL,
  expires_s BIGINT
);
CREATE INDEX access_token_by_account ON access_token (account_id);
ALTER TABLE upload ADD COLUMN owner TEXT NOT NULL DEFAULT '';
)sql",
    // 4: what was said about files and folders.
    R"sql(
CREATE TABLE talk_change (
  last BIGINT NOT NULL
);
INSERT INTO talk_change (last) VALUES (0);
CREATE TABLE talk_room (
  id BIGINT NOT NULL PRIMARY KEY,
  path TEXT NOT NULL UNIQUE,
  messages BIGINT NOT NULL
);
CREATE TABLE talk_message (
  id BIGINT NOT NULL PRIMARY KEY,
  room_id BIGINT NOT NULL REFERENCES talk_room (id) ON DELETE CASCADE,
  version BIGINT NOT NULL,
  account_id TEXT NOT NULL,
  author TEXT NOT NULL,
  guest BIGINT NOT NULL,
  time_ms BIGINT NOT NULL,
  text TEXT NOT NULL,
  at_ms BIGINT,
  until_ms BIGINT,
  reply_to BIGINT,
  resolved BIGINT NOT NULL,
  edited BIGINT NOT NULL,
  deleted BIGINT NOT NULL,
  drawing TEXT NOT NULL,
  nonce TEXT NOT NULL
);
CREATE UNIQUE INDEX talk_message_by_id ON talk_message (room_id, id);
CREATE UNIQUE INDEX talk_message_by_version ON talk_message (room_id, version);
CREATE UNIQUE INDEX talk_message_by_nonce ON talk_message (room_id, account_id, nonce)
  WHERE nonce <> '';
)sql",
    // 5: links, and what accounts and links may take in all.
    R"sql(
CREATE TABLE access_link (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  digest BLOB NOT NULL,
  rights BIGINT NOT NULL,
  path TEXT NOT NULL,
  dev BIGINT NOT NULL,
  ino BIGINT NOT NULL,
  btime_ns BIGINT NOT NULL,
  label TEXT NOT NULL,
  password TEXT NOT NULL,
  salt TEXT NOT NULL,
  created_s BIGINT NOT NULL,
  expires_s BIGINT,
  max_uses BIGINT,
  uses BIGINT NOT NULL
);
CREATE INDEX access_link_by_account ON access_link (account_id);
CREATE TABLE allowance (
  owner TEXT NOT NULL PRIMARY KEY,
  max_bytes BIGINT NOT NULL,
  max_files BIGINT NOT NULL,
  max_uploads BIGINT NOT NULL,
  max_connections BIGINT NOT NULL,
  rate_bytes BIGINT NOT NULL,
  used_bytes BIGINT NOT NULL,
  used_files BIGINT NOT NULL
) WITHOUT ROWID;
)sql",
    // 6: small pictures of what files show. `number` ascends, so that the oldest can go.
    R"sql(
CREATE TABLE poster (
  dev BIGINT NOT NULL,
  ino BIGINT NOT NULL,
  btime_ns BIGINT NOT NULL,
  size_bytes BIGINT NOT NULL,
  mtime_ns BIGINT NOT NULL,
  number BIGINT NOT NULL,
  picture BLOB NOT NULL,
  PRIMARY KEY (dev, ino, btime_ns)
);
CREATE INDEX poster_by_number ON poster (number);
)sql",
    // 7: which file a room is about, whatever its name.
    R"sql(
ALTER TABLE talk_room ADD COLUMN dev BIGINT NOT NULL DEFAULT 0;
ALTER TABLE talk_room ADD COLUMN ino BIGINT NOT NULL DEFAULT 0;
ALTER TABLE talk_room ADD COLUMN btime_ns BIGINT NOT NULL DEFAULT 0;
CREATE INDEX talk_room_by_file ON talk_room (ino, dev, btime_ns);
)sql",
};

void run_statements(session& s, std::string_view text) {
  for (;;) {
    const auto end = text.find(";\n");
    if (end == std::string_view::npos) return;
    s.run(std::string(text.substr(0, end)));
    text.remove_prefix(end + 2);
  }
}

void run_step(session& s, int version) {
  soci::transaction step(s.sql());
  run_statements(s, steps[static_cast<std::size_t>(version - 1)]);
  const long long now_s = std::time(nullptr);
  query(s, "INSERT INTO migration (version, applied_s) VALUES (:version, :applied_s)")
      .in(version)
      .in(now_s)
      .run();
  step.commit();
}

}  // namespace

int schema_version() noexcept { return static_cast<int>(steps.size()); }

result<void> migrate(session& s) {
  s.run(
      "CREATE TABLE IF NOT EXISTS migration ("
      "version BIGINT NOT NULL PRIMARY KEY, applied_s BIGINT NOT NULL)");
  int there = 0;
  s.sql() << "SELECT COALESCE(MAX(version), 0) FROM migration", soci::into(there);
  if (there > schema_version()) {
    return fail(errc::unsupported, "open the catalog: its schema is version " +
                                       std::to_string(there) + ", this program knows up to " +
                                       std::to_string(schema_version()) +
                                       "; run the newer program");
  }
  for (int version = there + 1; version <= schema_version(); ++version) run_step(s, version);
  return {};
}

}  // namespace sluice::catalog
