// What the API changes: folders made, names changed and taken away.
#include <boost/asio/post.hpp>
#include <ctime>

#include "http/api.h"
#include "http/api_json.h"
#include "http/conditions.h"
#include "transfer/small_files.h"

namespace sluice::http {
namespace {

using base::right;

std::string plain(const std::string& path) {
  const auto checked = store::rel_path::parse(path);
  return checked ? checked->text() : path;
}

struct folder_wish {
  std::string path;
  bool parents = false;
  bool may_exist = false;
};

parsed<folder_wish> read_mkdir(const json& object) {
  auto path = text_of(object, "path");
  if (!path) return std::unexpected(path.error());
  const auto parents = flag_of(object, "parents");
  if (!parents) return std::unexpected(parents.error());
  const auto may_exist = flag_of(object, "may_exist");
  if (!may_exist) return std::unexpected(may_exist.error());
  return folder_wish{std::move(*path), *parents, *may_exist};
}

struct rename_wish {
  std::string from;
  std::string to;
  std::string replaces;  // the entity tag of what may be replaced; "": nothing
};

parsed<rename_wish> read_rename(const json& object) {
  auto from = text_of(object, "from");
  if (!from) return std::unexpected(from.error());
  auto to = text_of(object, "to");
  if (!to) return std::unexpected(to.error());
  rename_wish wanted{std::move(*from), std::move(*to), ""};
  if (!object.contains("replaces")) return wanted;
  auto replaces = text_of(object, "replaces");
  if (!replaces) return std::unexpected(replaces.error());
  wanted.replaces = std::move(*replaces);
  return wanted;
}

struct remove_wish {
  std::string path;
  bool recursive = false;
};

parsed<remove_wish> read_remove(const json& object) {
  auto path = text_of(object, "path");
  if (!path) return std::unexpected(path.error());
  const auto recursive = flag_of(object, "recursive");
  if (!recursive) return std::unexpected(recursive.error());
  return remove_wish{std::move(*path), *recursive};
}

result<store::entry> rename(transfer::tree& tree, const exchange& now, const rename_wish& wanted) {
  const auto from = now.permit<right::change>(wanted.from);
  if (!from) return std::unexpected(from.error());
  const auto to = now.permit<right::give>(wanted.to);
  if (!to) return std::unexpected(to.error());
  std::optional<catalog::replaced_file> replaces;
  if (!wanted.replaces.empty()) {
    const auto seen = now.permit<right::see>(wanted.to);
    if (!seen) return std::unexpected(seen.error());
    const auto there = tree.stat(*seen);
    if (!there) return std::unexpected(there.error());
    if (validators_of(*there, std::time(nullptr)).etag != wanted.replaces) {
      return fail(errc::conflict, "rename to " + wanted.to + ": something else is there by now");
    }
    replaces = catalog::replaced_file{there->size_bytes, there->mtime_ns};
  }
  return tree.rename(*from, *to, replaces);
}

}  // namespace

awaitable<result<void>> api_mkdir(exchange& now, service& shared) {
  std::optional<folder_wish> wanted;
  const auto came = co_await take_wish(now, read_mkdir, wanted);
  if (!came || !wanted) co_return came;
  auto asked = now.permit<right::give>(wanted->path);
  if (!asked) co_return std::unexpected(asked.error());
  transfer::new_folder folder(std::move(*asked));
  folder.parents = wanted->parents;
  folder.may_exist = wanted->may_exist;
  const auto start = [&shared, &folder](const auto& complete) {
    boost::asio::post(shared.pool, [&shared, &folder, complete] {
      shared.small_files.make_folder(folder, complete);
    });
  };
  const auto made = co_await net::from_callback<result<store::entry>>(start);
  if (!made) co_return std::unexpected(made.error());
  const json told = to_json(*made, plain(wanted->path));
  co_return co_await send_json(now, status::created, told);
}

awaitable<result<void>> api_rename(exchange& now, service& shared) {
  std::optional<rename_wish> wanted;
  const auto came = co_await take_wish(now, read_rename, wanted);
  if (!came || !wanted) co_return came;
  const auto renamed = co_await net::on_pool(
      shared.pool, [&shared, &now, &wanted] { return rename(shared.tree, now, *wanted); });
  if (!renamed) co_return std::unexpected(renamed.error());
  const json told = to_json(*renamed, plain(wanted->to));
  co_return co_await send_json(now, status::ok, told);
}

awaitable<result<void>> api_remove(exchange& now, service& shared) {
  std::optional<remove_wish> wanted;
  const auto came = co_await take_wish(now, read_remove, wanted);
  if (!came || !wanted) co_return came;
  const auto asked = now.permit<right::change>(wanted->path);
  if (!asked) co_return std::unexpected(asked.error());
  const auto removed = co_await net::on_pool(shared.pool, [&shared, &asked, &wanted] {
    return shared.tree.remove(*asked, wanted->recursive);
  });
  if (!removed) co_return removed;
  const response gone(status::no_content);
  co_return co_await now.send(gone);
}

}  // namespace sluice::http
