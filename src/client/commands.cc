// The commands that move no content.
#include <fmt/format.h>

#include "client/client.h"
#include "client/names.h"
#include "client/requests.h"
#include "client/session.h"
#include "client/silent_observer.h"

namespace sluice::client {
namespace {

template <class Reply, class Message>
awaitable<result<void>> ask_once(session& owner, url server, wire::kind what, Message message,
                                 wire::kind reply, std::string doing) {
  auto by = co_await owner.open(std::move(server));
  if (!by) co_return std::unexpected(about(by.error(), doing));
  auto told = co_await ask<Reply>(*by, what, std::move(message), reply);
  if (!told) co_return std::unexpected(about(told.error(), doing));
  co_return result<void>{};
}

template <class Reply, class Message>
result<void> run_once(const session_options& options, const url& server, wire::kind what,
                      const Message& message, wire::kind reply, std::string doing) {
  silent_observer nobody;
  session work(options, nobody);
  return work.run(ask_once<Reply>(work, server, what, message, reply, std::move(doing)));
}

}  // namespace

result<void> remove(const url& target, bool recursive, const session_options& options) {
  v1::Remove message;
  message.set_path(target.path);
  message.set_recursive(recursive);
  return run_once<v1::Ok>(options, target, wire::kind::remove, message, wire::kind::ok,
                          fmt::format("remove {}", target.text()));
}

result<void> rename(const url& from, const url& to, const session_options& options) {
  const auto doing = fmt::format("rename {} to {}", from.text(), to.text());
  if (from.host != to.host || from.port != to.port) {
    return fail(errc::invalid_argument, doing + ": these are two servers");
  }
  v1::Rename message;
  message.set_from(from.path);
  // "into this folder", as mv reads it.
  message.set_to(to.path.ends_with('/') ? join(to.path, name_of(from.path)) : to.path);
  return run_once<v1::Entry>(options, from, wire::kind::rename, message, wire::kind::entry, doing);
}

result<void> make_folder(const url& target, bool parents, const session_options& options) {
  v1::MakeFolder message;
  message.set_path(target.path);
  message.set_parents(parents);
  message.set_may_exist(parents);
  return run_once<v1::Entry>(options, target, wire::kind::make_folder, message, wire::kind::entry,
                             fmt::format("make {}", target.text()));
}

}  // namespace sluice::client
