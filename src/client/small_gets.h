// Downloads many small files at once: hundreds on their way in each connection, written in batches.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/failures.h"
#include "client/local_file.h"
#include "client/requests.h"
#include "client/session.h"
#include "client/task_group.h"

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
class small_gets {
 public:
  // `base` is the folder on the server, `root_fd` the local one. All references outlive this.
  small_gets(session& owner, url server, std::string base, int root_fd, bool overwrite,
             summary& done, failures& failed_files);

  void start(task_group& in, unsigned streams);
  // Waits while many are waiting already.
  awaitable<void> push(small_get file);
  // No more come: the streams end when all are done.
  void close();
  // What ended all of it; files that failed by themselves are in the failures.
  [[nodiscard]] const std::optional<error>& failed() const noexcept { return failed_; }
  void fail_with(error why);

 private:
  struct link;
  struct arrived;
  class sent_get;
  class sent_question;
  using link_ptr = std::shared_ptr<link>;

  awaitable<void> stream();
  awaitable<void> serve(link_ptr by);
  void ask(const link_ptr& by);
  void flush(const link_ptr& by);
  void landed(const link_ptr& by, std::vector<arrived> files);
  void land(arrived& file);
  void again(small_get file);
  void finished(const small_get& file, std::uint64_t size_bytes, bool unchanged);
  void failed_one(const small_get& file, const error& why);
  [[nodiscard]] bool is_over() const noexcept { return failed_ || (closed_ && pending_ == 0); }

  session& session_;
  const url server_;
  const std::string base_;
  const int root_fd_;
  const bool overwrite_;
  summary& done_;
  failures& failed_files_;
  net::signal changed_;
  std::deque<small_get> jobs_;
  std::size_t pending_ = 0;  // pushed and neither done nor failed
  bool closed_ = false;
  unsigned streams_ = 0;
  std::optional<error> failed_;
};

}  // namespace sluice::client
