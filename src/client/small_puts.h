// Uploads many small files at once: hundreds on their way in each connection, none waits for
// another.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/failures.h"
#include "client/local_tree.h"
#include "client/requests.h"
#include "client/session.h"
#include "client/task_group.h"

namespace sluice::client {

// A file of at most one block.
struct small_put {
  std::string path;  // below the source
  file_facts facts;
  bool compare = false;   // something may be there: look before sending
  bool repeated = false;  // sent already, and the answer was lost
  bool looked = false;    // refused once because something was there
  std::optional<v1::Replace> replace;
  unsigned number = 1;  // of the name that is tried: see numbered_name
  unsigned refusals = 0;
};

// The name was another file's: the next one like it is looked at, and taken if it is free.
void next_name(small_put& file);

// Owned by the upload of the tree, whose task group runs the streams and is joined before this
// goes. I/O thread. Files are read in batches on the threads for the disk.
class small_puts {
 public:
  // `base` is the folder on the server. All references outlive this.
  small_puts(session& owner, url server, std::string base, const local_tree& source,
             const put_options& options, summary& done, failures& failed_files);

  void start(task_group& in, unsigned streams);
  // Waits while many are waiting already.
  awaitable<void> push(small_put file);
  // No more come: the streams end when all are done.
  void close();
  // What ended all of it; files that failed by themselves are in the failures.
  [[nodiscard]] const std::optional<error>& failed() const noexcept { return failed_; }
  void fail_with(error why);

 private:
  struct link;
  struct prepared;
  class sent_put;
  class sent_question;
  using link_ptr = std::shared_ptr<link>;

  awaitable<void> stream();
  awaitable<void> serve(link_ptr by);
  awaitable<void> feed(link_ptr by);
  awaitable<void> read_and_send(link_ptr by);
  awaitable<void> send_again(std::shared_ptr<sent_put> file);
  std::vector<small_put> take_batch();
  void send(const link_ptr& by, prepared file, const std::shared_ptr<base::pooled_buffer>& buffer);
  void ask(const link_ptr& by, prepared file);
  void taken(small_put file, const error& why);
  [[nodiscard]] std::string target_of(const small_put& file) const;
  [[nodiscard]] v1::Put message_of(const small_put& file) const;
  void again(small_put file);
  void finished(const small_put& file, bool unchanged);
  void failed_one(const small_put& file, const error& why);
  void refused(const small_put& file, const error& why);
  [[nodiscard]] bool is_over() const noexcept { return failed_ || (closed_ && pending_ == 0); }

  session& session_;
  const url server_;
  const std::string base_;
  const local_tree& source_;
  const put_options options_;
  summary& done_;
  failures& failed_files_;
  net::signal changed_;
  std::deque<small_put> jobs_;
  std::size_t pending_ = 0;  // pushed and neither done nor failed
  bool closed_ = false;
  unsigned streams_ = 0;
  std::optional<error> failed_;
};

}  // namespace sluice::client
