#include "http/follower.h"

#include <boost/asio/post.hpp>

#include "net/on_pool.h"

namespace sluice::http {

std::shared_ptr<follower> follower::make(const executor& where) {
  return std::make_shared<follower>(where);
}

std::function<void()> follower::waker() {
  return [where = where_, weak = weak_from_this()] {
    boost::asio::post(where, [weak] {
      if (const auto there = weak.lock()) there->nudge();
    });
  };
}

awaitable<result<void>> follow(follower& by, service& shared, const base::caller_ptr& who,
                               const std::string& path, bool recursive) {
  const auto seen = base::permit<base::right::see>(who, path);
  if (!seen) co_return std::unexpected(seen.error());
  const auto folder = store::rel_path::parse(path);
  if (!folder) co_return std::unexpected(folder.error());
  const auto followed = by.heard().follow(*seen, recursive);
  if (!followed) co_return followed;
  // Behind it: who lists now and hears what comes has all of it.
  const auto there =
      co_await net::on_pool(shared.pool, [&shared, &seen] { return shared.tree.stat(*seen); });
  if (there) co_return result<void>{};
  by.heard().unfollow(*folder);
  co_return std::unexpected(there.error());
}

}  // namespace sluice::http
