// Downloads many small files at once: hundreds on their way in each connection, written in batches.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/local_file.h"
#include "client/small_streams.h"

namespace sluice::client {

// A file of at most one block.
struct small_get {
  std::string path;              // below the folder of the server, and below the local one; checked
  std::uint64_t size_bytes = 0;  // as listed
  // Something of this size is there: the digest of it, to be compared before anything is fetched.
  std::optional<base::digest128> here;
  bool replace = false;  // what is there is known to differ, and may go
  unsigned damaged = 0;
};

// Owned by the download of the tree, whose task group runs the streams and is joined before this
// goes. I/O thread. Each file appears whole under its name, or not at all; nothing is synced here:
// the tree is, once, at its end.
class small_gets final : public small_streams<small_get> {
 public:
  // `base` is the folder on the server, `root_fd` the local one. All references outlive this.
  small_gets(session& owner, url server, std::string base, int root_fd, bool overwrite,
             summary& done, failures& failed_files);

 private:
  struct link;
  struct arrived;
  class place;
  class sent_get;
  class sent_question;
  using link_ptr = std::shared_ptr<link>;

  awaitable<void> serve(std::shared_ptr<connection> by) override;
  void ask(const link_ptr& by);
  void flush(const link_ptr& by);
  void landed(const link_ptr& by, std::vector<arrived> files);
  void land(arrived& file);
  void sync_some();

  const int root_fd_;
  const bool overwrite_;
  std::uint64_t unsynced_bytes_ = 0;
  bool syncing_ = false;
};

}  // namespace sluice::client
