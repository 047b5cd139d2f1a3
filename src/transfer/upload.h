// One upload: a set of blocks that arrive in any order, on several connections, and that become a
// file under its final name when all are there.
//
// Received and durable are two things. A block is received when its digest matched what was
// written; it is durable after a checkpoint: the file synced, then its row committed. Only durable
// is ever told.
//
// Owner: shared by the requests that write to it and by `uploads`, which made it. All calls may
// come from any thread; those that are said to block belong on a pool.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/permission.h"
#include "catalog/uploads.h"
#include "sluice/error.h"
#include "store/store.h"
#include "transfer/block_set.h"
#include "transfer/checkpointer.h"
#include "transfer/options.h"

namespace sluice::transfer {

class serial_writer;
class upload_writer;

// What became of blocks that came through one writer.
struct durability_report {
  std::vector<block_range> durable;  // on stable storage from now on
  std::vector<block_range> lost;     // received before, and gone with a failed sync: send again
  std::optional<error> failure;      // why the checkpoint failed, where it did
};

// Called on the room's or the catalog's thread; short, blocks on nothing.
using report_callback = std::function<void(const durability_report&)>;

// Called once when a newer request took the upload over, or threw it away, so that the connection
// of the older one can be closed. On the newer one's thread; short, blocks on nothing.
using fenced_callback = std::function<void()>;

// All that is durable of the upload, or why the checkpoint failed.
using checkpoint_callback = std::move_only_function<void(result<std::vector<block_range>>)>;

enum class digest_source : std::uint8_t {
  recorded,  // what is on record; read where there is none
  content,   // the stored bytes, read now
};

struct block_digest {
  std::uint64_t block = 0;
  base::digest128 digest;
  std::optional<base::digest128> recorded;  // where it was read, and there is a record
};

class upload : public std::enable_shared_from_this<upload> {
 public:
  using clock = std::chrono::steady_clock;
  // What `uploads` gives with an upload. It is asked again before anything is acknowledged: who
  // lost the right is told not_allowed, and what is durable stays for whom it is given to again.
  using allowed = base::permitted<base::right::give>;

  // Made by `uploads`; `row`, `blocks` and `tail` are what the catalog has.
  upload(site& where, std::shared_ptr<checkpointer> checkpoints, catalog::upload_row row,
         store::rel_path path, std::shared_ptr<store::partial> file,
         const std::vector<catalog::held_block>& blocks,
         const std::optional<catalog::held_tail>& tail);
  ~upload();

  [[nodiscard]] const std::string& id() const noexcept { return id_; }
  [[nodiscard]] catalog::upload_form form() const noexcept { return form_; }
  // A kept upload may get another one, see `uploads::rename`.
  [[nodiscard]] store::rel_path path() const;
  [[nodiscard]] std::optional<std::uint64_t> size_bytes() const;
  [[nodiscard]] std::uint64_t held_count() const;
  // The highest block that is here, and one more; 0 where there is none.
  [[nodiscard]] std::uint64_t block_end() const;

  // Of the blocks [first, first + count) those that are here, durable or not, with their digests.
  [[nodiscard]] std::vector<catalog::held_block> held(std::uint64_t first,
                                                      std::uint64_t count) const;
  [[nodiscard]] std::vector<block_range> durable() const;
  // How many bytes are durable from the beginning of the file, without a gap: what a protocol that
  // writes serially calls the offset.
  [[nodiscard]] std::uint64_t durable_bytes() const;
  // Its size is known, and all of it is durable.
  [[nodiscard]] bool is_whole() const;

  // The same of what is durable, which all becomes that was received before the call: whoever asks
  // sends the rest and counts on these, also after a crash. With the stored bytes read again, where
  // `source` says so; a block whose bytes are not what was recorded is held no longer, so that it
  // can be sent again. Blocks. Errors as `checkpoint`.
  [[nodiscard]] result<std::vector<block_digest>> digests(std::uint64_t first, std::uint64_t count,
                                                          digest_source source);

  // Once it is finished.
  [[nodiscard]] std::optional<store::entry> done() const;

  // A way in for one request. `told` may be empty.
  [[nodiscard]] std::shared_ptr<upload_writer> attach(report_callback told, allowed by);

  // The way in for a request that writes from the beginning to the end. It takes the upload over at
  // once from whoever wrote so before: of that one no further byte lands. What it wrote until then
  // counts, and is durable when this returns. Blocks. `fenced` may be empty.
  //   invalid_argument: its bytes come in blocks; conflict: it is done, or was taken over again
  //   meanwhile; busy: its file is being opened again; not_found: it was aborted; no_space, io
  [[nodiscard]] result<std::shared_ptr<serial_writer>> write_serially(fenced_callback fenced,
                                                                      const allowed& by);

  // Stored bytes, received or not: who asks knows what is there. Blocks.
  [[nodiscard]] result<std::size_t> read(std::uint64_t offset, std::span<std::byte> out) const;

  // Makes all durable that was received before the call, soon.
  void checkpoint(checkpoint_callback done);

  // Publishes the file, see `uploads`. Blocks, except for the last commit, which calls `done`.
  //   conflict: blocks are missing, the size is another one, or what is to be replaced is not what
  //   is there; exists: the name is taken. The upload stays open with all its blocks then.
  //   not_found: it was aborted; not_allowed: a right was lost, also that to change what is
  //   replaced
  void finish(const allowed& by, std::optional<std::uint64_t> size_bytes, entry_callback done);

  // Nobody writes to it, and it cannot be published under its name, which something else has. So
  // whoever has the same content may take it over under another one. Blocks.
  [[nodiscard]] bool is_kept() const;

  // Throws it away with all that arrived. Blocks. conflict: it is being finished, or is done.
  [[nodiscard]] result<void> abort();

 private:
  friend class block_in_pieces;
  friend class checkpointer;
  friend class serial_writer;
  friend class upload_writer;
  friend class uploads;

  enum class phase : std::uint8_t { open, reopening, finishing, done, aborted, broken };

  // The right to write one block, or to write serially. Whoever comes later takes it over: the one
  // before writes no more.
  struct claim {
    std::mutex writing;                // held while bytes are written; before `upload::mutex_`
    std::atomic<bool> fenced = false;  // set with `writing` held
    fenced_callback told;              // of a serial writer
    bool compare_only = false;         // the block is here with this digest: nothing is written
    std::uint64_t block = 0;
    std::uint64_t size_bytes = 0;
    std::optional<base::digest128> expected;
    std::shared_ptr<store::partial> file;
  };
  using claim_ptr = std::shared_ptr<claim>;
  struct finishing {
    catalog::upload_row row;  // with the size
    store::rel_path path;
    std::shared_ptr<store::partial> file;
    std::vector<claim_ptr> claims;
  };

  // upload.cc
  [[nodiscard]] result<void> check_phase() const;
  [[nodiscard]] result<void> check_place(std::uint64_t offset, std::uint64_t size_bytes) const;
  [[nodiscard]] result<void> check_room(std::uint64_t end_bytes);
  [[nodiscard]] result<claim_ptr> claim_block(std::uint64_t offset, std::uint64_t size_bytes,
                                              std::optional<base::digest128> expected);
  void release(const claim_ptr& mine);
  [[nodiscard]] result<void> drop_block(std::uint64_t block);
  [[nodiscard]] result<void> received(const claim_ptr& mine, const base::digest128& digest,
                                      upload_writer& by);
  [[nodiscard]] std::vector<claim_ptr> take_claims();
  static void fence(const std::vector<claim_ptr>& claims);
  static void tell_fenced(const std::vector<claim_ptr>& claims);
  [[nodiscard]] result<void> settle();
  [[nodiscard]] std::vector<catalog::held_block> durable_blocks(std::uint64_t first,
                                                                std::uint64_t count) const;
  [[nodiscard]] result<std::optional<block_digest>> read_again(const catalog::held_block& held);
  [[nodiscard]] std::vector<block_range> durable_ranges() const;
  [[nodiscard]] bool update_wishes(const catalog::upload_row& row);
  [[nodiscard]] result<void> take_name(const store::rel_path& path, const catalog::upload_row& row);
  [[nodiscard]] bool is_open() const;
  [[nodiscard]] bool is_aborted() const;
  void wait_while_finishing();

  // upload_told.cc
  void tell(event_kind kind) const;
  void tell_now(event_kind kind) const;                   // with `mutex_`
  void tell_stored(const store::entry& published) const;  // the same
  void tell_progress(clock::time_point now, bool at_once = false);
  [[nodiscard]] std::uint64_t durable_bytes_anywhere() const;  // the same

  // upload_serial.cc
  struct serial_bytes {
    std::vector<catalog::held_block> blocks;
    std::optional<catalog::held_tail> tail;
    std::uint64_t size_bytes = 0;
  };
  [[nodiscard]] result<claim_ptr> claim_serially(fenced_callback fenced);
  void release_serially(const claim_ptr& mine);
  [[nodiscard]] result<std::shared_ptr<serial_writer>> make_writer(const claim_ptr& mine,
                                                                   const allowed& by);
  [[nodiscard]] result<base::digest_stream> read_tail(claim& mine, const catalog::held_tail& tail);
  [[nodiscard]] result<void> drop_behind(std::uint64_t offset);
  [[nodiscard]] result<void> drop_tail();
  [[nodiscard]] result<std::uint64_t> check_append(std::uint64_t offset, std::uint64_t size_bytes);
  [[nodiscard]] result<void> received_serially(const serial_bytes& what);
  [[nodiscard]] result<void> record_size(std::uint64_t size_bytes, std::uint64_t offset);
  void end_tail_as_block();
  [[nodiscard]] std::uint64_t durable_bytes_now() const;  // with `mutex_`, as what follows
  [[nodiscard]] bool has_tail_news() const { return tail_ && tail_ != durable_tail_; }

  // upload_checkpoint.cc
  using reports = std::vector<std::pair<std::shared_ptr<upload_writer>, durability_report>>;
  [[nodiscard]] bool is_due(clock::time_point now) const;
  [[nodiscard]] bool is_idle() const;
  void run_checkpoint();
  struct batch {
    std::vector<catalog::held_block> blocks;
    std::optional<std::uint64_t> size_bytes;  // where it became known
    std::optional<catalog::held_tail> tail;   // where there is more of it
  };
  [[nodiscard]] std::optional<batch> begin_checkpoint();
  void commit_checkpoint(batch what);
  void end_checkpoint(const batch& what, const result<void>& committed,
                      const std::set<std::uint64_t>& lost);
  void reopen_file();
  [[nodiscard]] std::set<std::uint64_t> lose_received(const error& why);
  [[nodiscard]] reports report(const std::set<std::uint64_t>& lost,
                               const std::optional<error>& failure);
  static void tell(const reports& all);

  // upload_finish.cc
  [[nodiscard]] entry_callback record(const allowed& by, entry_callback done);
  [[nodiscard]] result<void> check_rights(const allowed& by) const;
  [[nodiscard]] result<finishing> begin_finish(std::optional<std::uint64_t> size_bytes);
  [[nodiscard]] result<void> check_whole(std::uint64_t size_bytes) const;
  [[nodiscard]] result<store::entry> publish(finishing& what);
  [[nodiscard]] result<void> commit_intent(const finishing& what);
  void take_back_intent(finishing& what);
  void note_refusal(const error& why);
  void commit_done(const store::entry& published, entry_callback done);
  void end_finish(std::optional<phase> next);

  site& site_;
  const std::shared_ptr<checkpointer> checkpoints_;
  std::shared_ptr<quota_share> share_;  // set by `uploads` before anybody uses it
  std::uint64_t number_ = 0;            // the same; of its events
  const std::string id_;
  const catalog::upload_form form_;

  // Orders what is queued for the catalog about a block; held while the queue is full, so never
  // taken in a callback of the catalog. Before `mutex_`.
  std::mutex order_;
  mutable std::mutex mutex_;
  std::condition_variable quiet_;  // a checkpoint ended
  phase phase_ = phase::open;
  store::rel_path path_;
  bool refused_ = false;  // since a writer came, its name was found to be taken
  catalog::upload_row row_;
  std::shared_ptr<store::partial> file_;
  block_set blocks_;
  std::map<std::uint64_t, claim_ptr> claims_;
  claim_ptr serial_;                        // of the one who writes serially
  std::optional<catalog::held_tail> tail_;  // of an unfinished block: received, of a serial writer
  std::optional<catalog::held_tail> durable_tail_;  // counts until its block is durable
  std::vector<std::weak_ptr<upload_writer>> writers_;
  std::optional<error> broken_;
  std::optional<store::entry> done_;  // in phase `done`

  bool checkpointing_ = false;
  bool again_ = false;                             // something came up while one ran
  bool size_to_record_ = false;                    // the last block told the size
  std::set<std::uint64_t> dropped_;                // while one runs: not of its batch any more
  std::vector<checkpoint_callback> waiting_;       // for the next checkpoint
  std::vector<checkpoint_callback> called_after_;  // by the running one
  std::uint64_t undurable_bytes_ = 0;              // received since the last checkpoint began
  std::uint64_t told_bytes_ = 0;                   // the last progress that followers were told of
  clock::time_point told_at_{};
  bool untold_ = false;  // a writer sent again what was durable, and waits to hear of it
  clock::time_point undurable_since_{};
};

}  // namespace sluice::transfer
