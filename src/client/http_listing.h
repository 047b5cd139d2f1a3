// What the HTTP side of a server tells of files and folders: its API (docs/api.md).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/http_link.h"
#include "client/remote_listing.h"

namespace sluice::client {

// A folder, a page at a time; of a file there is one entry with an empty path. Names are checked as
// those of any listing. The identity of an entry is its entity tag.
class http_listing final : public listing {
 public:
  http_listing(session& owner, url server, std::string path, bool recursive);
  awaitable<result<std::vector<remote_entry>>> next() override;

 private:
  awaitable<result<std::string>> next_page();
  awaitable<result<std::vector<remote_entry>>> of_file();
  [[nodiscard]] result<std::vector<remote_entry>> read_page(const std::string& text);

  session& session_;
  const url server_;
  const std::string path_;
  const bool recursive_;
  patience patient_;
  std::shared_ptr<http_link> by_;
  std::string after_;  // the last entry
  bool ended_ = false;
};

// nullopt: there is nothing of that name. The arguments outlive the coroutine.
awaitable<result<std::optional<remote_entry>>> http_stat(session& owner, const url& server,
                                                         const std::string& path);

}  // namespace sluice::client
