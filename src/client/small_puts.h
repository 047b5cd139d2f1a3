// Uploads many small files at once: hundreds on their way in each connection, none waits for
// another.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/local_tree.h"
#include "client/small_streams.h"

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
class small_puts final : public small_streams<small_put> {
 public:
  // `base` is the folder on the server. All references outlive this.
  small_puts(session& owner, url server, std::string base, const local_tree& source,
             const put_options& options, summary& done, failures& failed_files);

 private:
  struct link;
  struct prepared;
  class sent_put;
  class sent_question;
  using link_ptr = std::shared_ptr<link>;

  awaitable<void> serve(std::shared_ptr<connection> by) override;
  awaitable<void> feed(link_ptr by);
  awaitable<void> read_and_send(link_ptr by);
  awaitable<void> send_again(std::shared_ptr<sent_put> file);
  std::vector<small_put> take_batch();
  void send(const link_ptr& by, prepared file, const std::shared_ptr<base::pooled_buffer>& buffer);
  void ask(const link_ptr& by, prepared file);
  void taken(small_put file, const error& why);
  [[nodiscard]] std::string target_of(const small_put& file) const;
  [[nodiscard]] v1::Put message_of(const small_put& file) const;
  void stored(const small_put& file, bool unchanged);
  void refused(const small_put& file, const error& why);

  const local_tree& source_;
  const put_options options_;
};

}  // namespace sluice::client
