// list: what is in a folder of the server.
#include "client/list_all.h"

#include "client/names.h"
#include "client/remote_listing.h"
#include "client/silent_observer.h"

namespace sluice::client {

awaitable<result<void>> list_all(session& owner, url target, bool recursive,
                                 const std::function<void(const listed_entry&)>& each) {
  const std::string path(without_slash(target.path));
  const auto all = open_listing(owner, target, path, recursive);
  for (;;) {
    auto portion = co_await all->next();
    if (!portion) co_return std::unexpected(about(portion.error(), "list " + target.text()));
    if (portion->empty()) co_return result<void>{};
    for (auto& entry : *portion) {
      each({.path = entry.path.empty() ? std::string(name_of(path)) : std::move(entry.path),
            .folder = entry.folder,
            .size_bytes = entry.size_bytes,
            .mtime_ns = entry.mtime_ns,
            .executable = entry.executable});
    }
  }
}

result<void> list(const url& target, bool recursive, const session_options& options,
                  const std::function<void(const listed_entry&)>& each) {
  silent_observer nobody;
  session work(options, nobody);
  return work.run(list_all(work, target, recursive, each));
}

}  // namespace sluice::client
