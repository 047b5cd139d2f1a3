// For tests of crashes: a client that does what clients do, and tells its story: what it may have
// caused before each step, and what it was told after it.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "transfer/crash_machine.h"
#include "transfer/crash_story.h"
#include "transfer/test_world.h"

namespace sluice::transfer::test {

// An upload that the client works on.
struct sending {
  std::shared_ptr<transfer::upload> upload;
  std::shared_ptr<upload_writer> writer;
  std::shared_ptr<serial_writer> serial;
  known_file file;
  std::string path;
  bool make_parents = false;
};

class actor {
 public:
  actor(machine& server, story& told, const expectation& start);

  machine& server;  // for what no step below does
  story& told;

  // --- Uploads ---

  sending open(const std::string& path, const known_file& file,
               const std::function<void(upload_request&)>& change = {});
  // A further way into it, as over another connection.
  [[nodiscard]] sending join(const sending& of) { return join(of, of.upload->id()); }
  [[nodiscard]] sending join(const sending& of, const std::string& id);
  void send(const sending& to, std::uint64_t block);
  void send_all(const sending& to);
  // A block with another content than before: what was told of it counts no longer.
  void send_differently(sending& to, std::uint64_t block, const known_file& file);
  void checkpoint(const sending& of);
  // The code of the answer; errc{} where it is done.
  errc finish(sending& what, std::optional<std::uint64_t> size_bytes = {});
  void abort(const sending& what);
  // --- Uploads that are written from the beginning to the end ---

  sending open_serially(const std::string& path, const known_file& file,
                        const std::function<void(upload_request&)>& change = {});
  // A newer request for it, which fences the one before off.
  [[nodiscard]] sending take_over(const sending& of);
  void append(const sending& to, std::uint64_t until, std::size_t piece_bytes = mib);
  void declare(const sending& to, std::uint64_t size_bytes);
  // All that was appended is told to be there.
  void acknowledge(const sending& to);
  void join_parts(const sending& whole, const std::vector<sending>& parts);

  // Nobody comes back to any upload that nobody uses.
  void expire(const std::vector<std::string>& ids);

  // --- The rest ---

  struct small {
    std::string path;
    known_file file;
    bool replaces = false;
    bool make_parents = false;
  };
  // All on their way at once.
  void put_small(const std::vector<small>& files);
  // One that the disk has no room for: what was made above it may stay.
  void put_small_in_vain(const small& one);
  void mkdir(const std::string& path, bool parents, std::optional<std::int64_t> mtime_ns = {});
  void rename(const std::string& from, const std::string& to, bool replaces = false);
  void remove(const std::string& path, bool recursive = false);
  void restart();

  // While the server lives.
  [[nodiscard]] place there(const std::string& path);
  [[nodiscard]] catalog::replaced_file as_replaced(const std::string& path) const;

 private:
  [[nodiscard]] report_callback listen(const std::string& id, const known_file& file);
  void note_durable(const std::string& id, const known_file& file,
                    const std::vector<block_range>& blocks);
  void may(const std::string& path, const place& what);
  void must(const std::string& path, const place& what);
  void settle();
  void note_taken_away(const std::string& path);
  [[nodiscard]] std::vector<std::string> missing_above(const std::string& path) const;
  void may_make(const std::vector<std::string>& folders);
  void must_have(const std::vector<std::string>& folders);
  [[nodiscard]] std::map<std::string, place> at_and_below(const std::string& path) const;

  std::mutex mutex_;
  std::map<std::string, place> now_;  // what is there while the server lives
};

}  // namespace sluice::transfer::test
