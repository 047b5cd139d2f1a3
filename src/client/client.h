// The client engine: what `sluice put`, `get`, `ls` and the others do, without the terminal.
//
// Every function here blocks until its work is over and may be called from any thread. Each opens
// its own connections and threads and ends them before it returns. A `std::stop_token` ends the
// work early and in order: what is on the way is brought to a state from which the same call goes
// on, and the result is `errc::cancelled`.
//
// Errors name the peer and the path: cannot_connect, timed_out, not_allowed, not_found, exists,
// conflict, bad_digest (after three tries), changed, no_space, cancelled, broken_stream,
// unsupported (version).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "client/keyring.h"
#include "client/observer.h"
#include "client/url.h"
#include "net/direct_door.h"
#include "sluice/error.h"

namespace sluice::client {

// Whom to believe, and when TLS may be left away. Nothing ever falls back to plaintext by itself.
struct security {
  // sluice:// goes without TLS to any host; else only to this machine. invalid_argument with
  // sluices:// and https://.
  bool plaintext = false;
  // The only certificate that is believed: "SHA256:..." as the server prints it. Empty: one that
  // the system's authorities vouch for, or the one that was seen first, which is kept in a file.
  std::string fingerprint;
  std::string known_hosts;  // that file; empty: default_known_hosts()
};

// What every command has. `timeout` bounds connecting, and silence of the server.
struct session_options {
  std::chrono::milliseconds timeout{30'000};
  std::stop_token stop;
  std::shared_ptr<const keyring> keys;  // to log in with; may be none
  std::uint64_t bytes_per_second = 0;   // of content, either way, all connections together; 0: any
  client::security security;
  // A certificate was believed because it is the first of its server. Called on another thread.
  std::function<void(std::string_view text)> on_new_host;
};

struct put_options : session_options {
  unsigned streams = 0;          // parallel connections; 0: chosen by itself
  bool overwrite = false;        // replace files that are there and differ
  bool rename = false;           // or send under a free name, such as "film (2).mov"
  bool follow_symlinks = false;  // follow links of the source tree that stay inside it
};

struct get_options : session_options {
  unsigned streams = 0;
  bool overwrite = false;
};

// A file that went under another name, since its own was taken.
struct renamed_file {
  std::string path;  // on the server, the name that was taken
  std::string as;
};

// Connects and logs in with the token of `options.keys` for this server, and nothing else.
//   not_allowed: the server does not know it (any more)
[[nodiscard]] result<void> log_in(const url& server, const session_options& options);

// Who has a password: an account, or with "" whoever comes by `link`.
struct password_login {
  std::string account{};
  base::secret link{};
  base::secret password;
  base::secret new_password{};  // of an account, from then on; empty: it stays
};
// What to log in with from then on.
struct session_token {
  base::secret text;
  std::optional<std::int64_t> expires_s{};  // wall clock; none of a link
};
// Trades a password for a token, so that it need not be kept; a list of tokens says "sluice on" and
// this machine's name. The token of an account ends when its password changes, but for the one that
// comes of the change. Where many come at a time, tries a few times. `options.keys` say nothing
// here.
//   not_allowed: it is wrong; invalid_argument: the new one is too short or too long; busy: too
//   many were wrong, or too many come; unsupported: an old server
[[nodiscard]] result<session_token> log_in(const url& server, const password_login& who,
                                           const session_options& options);

// Asks the server's API (docs/api.md): GET, or with a body POST of that JSON object. The answer's
// body. Errors with what the server says of them.
[[nodiscard]] result<std::string> ask_api(const url& server, const std::string& target,
                                          const std::optional<std::string>& body,
                                          const session_options& options);

// Whom the server takes us for.
struct identity {
  std::string account;   // "": none
  bool is_link = false;  // we come by a link
  bool wants_password =
      false;           // that has a password, and ours is missing or wrong; no more is told
  bool gives = false;  // one may upload by it
  std::string path;    // what the link is of
};
[[nodiscard]] result<identity> who_am_i(const url& server, const session_options& options);

// What a transfer did. Bytes are content, not overhead.
struct summary {
  std::uint64_t files = 0;            // transferred now
  std::uint64_t files_unchanged = 0;  // already there and identical
  std::uint64_t folders = 0;
  std::uint64_t bytes = 0;            // content of all files named, transferred or not
  std::uint64_t bytes_moved = 0;      // content that went over the network, repeats included
  std::uint64_t blocks_repeated = 0;  // blocks sent again because their digest did not match
  std::vector<std::string> skipped;   // symbolic links and special files, as paths of the source
  std::vector<renamed_file> renamed;
};

// Uploads files and trees. `target` names a folder (it exists, or its path ends with '/', or there
// is more than one source) that receives the sources under their own names, or the new name of the
// only source. The source "-" is standard input and needs a full target name.
[[nodiscard]] result<summary> put(const std::vector<std::string>& sources, const url& target,
                                  const put_options& options, observer& watcher);

// Downloads files and trees into `target`: a folder that exists or ends with '/', a file name for a
// single source, "-" for standard output, empty for the working folder.
[[nodiscard]] result<summary> get(const std::vector<url>& sources, const std::string& target,
                                  const get_options& options, observer& watcher);

struct receive_options : get_options {
  net::direct_options meeting;  // its role and timeout are set by the call
};

// Receives what the other side of a direct transfer sends (docs/wire.md, section 9) into `target`,
// as `get` does, and tells the sender how it ended. Listening, it waits for the sender, and again
// when that goes away before the end. What is sent has a name of the sender's: it is checked, and
// never more than the last part of where it goes.
//   not_allowed: the other side has another key; unsupported: nothing is sent there
[[nodiscard]] result<summary> receive(const std::string& target, const receive_options& options,
                                      observer& watcher);

struct listed_entry {
  std::string path;  // relative to the listed folder; the file's own name for a file
  bool folder = false;
  std::uint64_t size_bytes = 0;
  std::int64_t mtime_ns = 0;
  bool executable = false;
};

// Calls `each` for every entry, in the server's order (bytes of the names), as they arrive.
[[nodiscard]] result<void> list(const url& target, bool recursive, const session_options& options,
                                const std::function<void(const listed_entry&)>& each);

// What happened on the server; docs/api.md, "Live", has the kinds. Paths as in the listing, or with
// a
// '/' before them where they are outside of it.
struct change {
  std::string kind;   // stored, made, renamed, removed, upload, missed; or one of a newer server
  std::string path;   // "" of `missed`
  std::string from;   // of `renamed`
  std::string state;  // of `upload`
  bool folder = false;
  std::optional<std::uint64_t> size_bytes;
  std::optional<std::uint64_t> durable_bytes;  // of `upload`
  std::optional<std::uint64_t> upload;         // which one
};

// As `list`, and then calls `each` for what happens, until that returns false.
//   cancelled: a stop; end_of_stream: the server stops; and those of `list`
[[nodiscard]] result<void> follow(const url& target, bool recursive, const session_options& options,
                                  const std::function<void(const listed_entry&)>& entry,
                                  const std::function<bool(const change&)>& each);

[[nodiscard]] result<void> remove(const url& target, bool recursive,
                                  const session_options& options);
// Both must be on the same server: invalid_argument otherwise.
[[nodiscard]] result<void> rename(const url& from, const url& to, const session_options& options);
[[nodiscard]] result<void> make_folder(const url& target, bool parents,
                                       const session_options& options);

struct difference {
  std::string path;
  std::optional<std::uint64_t> block;  // the block that differs; absent: the file as a whole
  std::string what;                    // "the server's copy differs", "missing on the server", ...
};

struct verify_options : session_options {
  bool follow_symlinks = false;  // as in put_options
};

struct verify_report {
  std::uint64_t files = 0;              // those that one side has not, too
  std::uint64_t bytes = 0;              // compared
  std::vector<difference> differences;  // at most 1,000; `difference_count` counts all
  std::uint64_t difference_count = 0;
  std::vector<std::string> skipped;  // of the local tree, what `put` skips
};

// Compares the server's stored bytes (read anew there) with the local file or tree; with no
// `local`, with the digests that the server recorded when it received them.
[[nodiscard]] result<verify_report> verify(const url& target,
                                           const std::optional<std::string>& local,
                                           const verify_options& options, observer& watcher);

struct scrub_options : session_options {
  std::uint64_t bytes_per_second = 0;  // read at most so fast; 0: as fast as the server allows
  bool record = false;                 // files without a record get one
};

struct scrub_report {
  std::uint64_t files = 0;  // compared with their records
  std::uint64_t bytes = 0;  // read
  std::uint64_t no_record = 0;
  std::uint64_t recorded = 0;
  std::uint64_t changed = 0;  // meanwhile, and so not judged
  std::uint64_t damaged_files = 0;
  std::uint64_t differences = 0;
};

// Has the server read what it stores and compare it with what it recorded; see transfer/scrub.h.
// `each` is called for each difference as it is found. unsupported: an older server.
[[nodiscard]] result<scrub_report> scrub(const url& target, const scrub_options& options,
                                         observer& watcher,
                                         const std::function<void(const difference&)>& each);

}  // namespace sluice::client
