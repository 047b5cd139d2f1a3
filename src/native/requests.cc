#include "native/requests.h"

#include <boost/asio/post.hpp>

#include "native/convert.h"
#include "native/talks.h"
#include "net/on_pool.h"
#include "transfer/small_files.h"
#include "transfer/tree.h"
#include "wire/error_message.h"

namespace sluice::native {
namespace {

using base::permit;
using base::right;

constexpr std::size_t entries_per_step = 512;
// Of a frame: well below the limit of a control frame, so that a client sees the first entries
// soon.
constexpr std::size_t entries_bytes = 48 * 1024;

// Parses the body and makes the coroutine that answers it.
template <class Message>
result<awaitable<void>> make(std::shared_ptr<session> self, const wire::frame_head& head,
                             std::span<const std::byte> body,
                             awaitable<void> (*answer)(std::shared_ptr<session>, std::uint32_t,
                                                       Message)) {
  auto message = wire::parse_message<Message>(head.kind, body);
  if (!message) return std::unexpected(message.error());
  return answer(std::move(self), head.request, std::move(*message));
}

// The same of what the connection's conversations answer.
template <class Message>
result<awaitable<void>> make(std::shared_ptr<session> self, const wire::frame_head& head,
                             std::span<const std::byte> body,
                             awaitable<void> (talks::*answer)(std::shared_ptr<session>,
                                                              std::uint32_t, Message)) {
  auto message = wire::parse_message<Message>(head.kind, body);
  if (!message) return std::unexpected(message.error());
  auto& answering = self->talks();
  return (answering.*answer)(std::move(self), head.request, std::move(*message));
}

// An entry as the whole answer, or why there is none.
void reply_entry(session& self, std::uint32_t request, const std::string& path,
                 const result<store::entry>& entry) {
  if (!entry) return self.reply_error(request, entry.error(), path);
  self.writer().send(wire::kind::entry, request, wire::last, to_wire(*entry, plain_path(path)));
}

// Sends entries as frames of a bounded size.
class entry_sender {
 public:
  entry_sender(std::shared_ptr<session> self, std::uint32_t request)
      : session_(std::move(self)), request_(request) {}

  void add(const store::entry& entry) {
    const auto next = to_wire(entry, entry.name);
    bytes_ += wire::entry_bytes(next);
    *entries_.add_entries() = next;
    if (bytes_ >= entries_bytes) send(wire::no_flags);
  }

  void send(std::uint8_t flags) {
    session_->writer().send(wire::kind::entries, request_, flags, entries_);
    entries_.Clear();
    bytes_ = 0;
  }

 private:
  std::shared_ptr<session> session_;
  std::uint32_t request_;
  v1::Entries entries_;
  std::size_t bytes_ = 0;
};

// Of a file, the one entry, with an empty path.
awaitable<void> list_file(std::shared_ptr<session> self, std::uint32_t request, v1::List message,
                          base::permitted<right::see> asked) {
  auto& shared = self->shared();
  const auto entry =
      co_await net::on_pool(shared.pool, [&shared, &asked] { return shared.tree.stat(asked); });
  if (!entry) {
    self->reply_error(request, entry.error(), message.path());
    co_return;
  }
  v1::Entries entries;
  if (message.after().empty()) *entries.add_entries() = to_wire(*entry, "");
  self->writer().send(wire::kind::entries, request, wire::last, entries);
}

}  // namespace

result<awaitable<void>> make_request(std::shared_ptr<session> self, const wire::frame_head& head,
                                     std::span<const std::byte> body) {
  switch (head.kind) {
    case wire::kind::list: return make<v1::List>(std::move(self), head, body, answer_list);
    case wire::kind::stat: return make<v1::Stat>(std::move(self), head, body, answer_stat);
    case wire::kind::digests: return make<v1::Digests>(std::move(self), head, body, answer_digests);
    case wire::kind::received:
      return make<v1::Received>(std::move(self), head, body, answer_received);
    case wire::kind::make_folder:
      return make<v1::MakeFolder>(std::move(self), head, body, answer_make_folder);
    case wire::kind::rename: return make<v1::Rename>(std::move(self), head, body, answer_rename);
    case wire::kind::remove: return make<v1::Remove>(std::move(self), head, body, answer_remove);
    case wire::kind::scrub: return make<v1::Scrub>(std::move(self), head, body, answer_scrub);
    case wire::kind::talk_read:
      return make<v1::TalkRead>(std::move(self), head, body, &talks::read);
    case wire::kind::talk_join:
      return make<v1::TalkJoin>(std::move(self), head, body, &talks::join);
    case wire::kind::talk_leave:
      return make<v1::TalkLeave>(std::move(self), head, body, &talks::leave);
    case wire::kind::talk_say: return make<v1::TalkSay>(std::move(self), head, body, &talks::say);
    case wire::kind::talk_amend:
      return make<v1::TalkAmend>(std::move(self), head, body, &talks::amend);
    case wire::kind::talk_typing:
      return make<v1::TalkTyping>(std::move(self), head, body, &talks::type);
    default: return fail(errc::bad_frame, "no request");
  }
}

awaitable<void> answer_received(std::shared_ptr<session> self, std::uint32_t request,
                                v1::Received message) {
  const auto* offered = self->shared().offered;
  if (offered == nullptr) {
    co_return self->reply_error(request, {errc::invalid_argument, "nothing is offered here"});
  }
  std::optional<error> failed;
  if (message.has_error()) failed = wire::from_wire(message.error());
  self->writer().send(wire::kind::ok, request, wire::last, v1::Ok());
  offered->on_received(failed);
}

awaitable<void> answer_list(std::shared_ptr<session> self, std::uint32_t request,
                            v1::List message) {
  auto& shared = self->shared();
  const auto asked = permit<right::see>(self->caller(), message.path());
  if (!asked) co_return self->reply_error(request, asked.error(), message.path());
  auto listing = co_await net::on_pool(shared.pool, [&shared, &message, &asked] {
    return shared.tree.list(*asked, {.recursive = message.recursive(), .after = message.after()});
  });
  if (!listing && listing.error().code == errc::not_a_file) {
    co_return co_await list_file(self, request, message, *asked);
  }
  if (!listing) {
    self->reply_error(request, listing.error(), message.path());
    co_return;
  }
  entry_sender entries(self, request);
  for (bool more = true; more;) {
    const auto page =
        co_await net::on_pool(shared.pool, [&listing] { return listing->next(entries_per_step); });
    if (!page) {
      self->reply_error(request, page.error(), message.path());
      co_return;
    }
    for (const auto& entry : page->entries) entries.add(entry);
    more = page->more;
    const auto room = co_await self->writer().room();
    if (!room) co_return;
  }
  entries.send(wire::last);
}

awaitable<void> answer_stat(std::shared_ptr<session> self, std::uint32_t request,
                            v1::Stat message) {
  auto& shared = self->shared();
  const auto asked = permit<right::see>(self->caller(), message.path());
  if (!asked) co_return self->reply_error(request, asked.error(), message.path());
  const auto entry =
      co_await net::on_pool(shared.pool, [&shared, &asked] { return shared.tree.stat(*asked); });
  reply_entry(*self, request, message.path(), entry);
}

awaitable<void> answer_make_folder(std::shared_ptr<session> self, std::uint32_t request,
                                   v1::MakeFolder message) {
  auto& shared = self->shared();
  auto asked = permit<right::give>(self->caller(), message.path());
  if (!asked) co_return self->reply_error(request, asked.error(), message.path());
  transfer::new_folder wanted(std::move(*asked));
  wanted.parents = message.parents();
  wanted.may_exist = message.may_exist();
  if (message.has_mtime_ns()) wanted.mtime_ns = message.mtime_ns();
  const auto start = [&shared, &wanted](const auto& complete) {
    boost::asio::post(shared.pool, [&shared, &wanted, complete] {
      shared.small_files.make_folder(wanted, complete);
    });
  };
  const auto entry = co_await net::from_callback<result<store::entry>>(start);
  reply_entry(*self, request, message.path(), entry);
}

awaitable<void> answer_rename(std::shared_ptr<session> self, std::uint32_t request,
                              v1::Rename message) {
  auto& shared = self->shared();
  const auto from = permit<right::change>(self->caller(), message.from());
  if (!from) co_return self->reply_error(request, from.error(), message.from());
  const auto to = permit<right::give>(self->caller(), message.to());
  if (!to) co_return self->reply_error(request, to.error(), message.to());
  const auto entry = co_await net::on_pool(shared.pool, [&shared, &message, &from, &to] {
    return shared.tree.rename(*from, *to,
                              replaced_file(message.has_replace() ? &message.replace() : nullptr));
  });
  reply_entry(*self, request, message.to(), entry);
}

awaitable<void> answer_remove(std::shared_ptr<session> self, std::uint32_t request,
                              v1::Remove message) {
  auto& shared = self->shared();
  const auto asked = permit<right::change>(self->caller(), message.path());
  if (!asked) co_return self->reply_error(request, asked.error(), message.path());
  const auto removed = co_await net::on_pool(shared.pool, [&shared, &message, &asked] {
    return shared.tree.remove(*asked, message.recursive());
  });
  if (!removed) {
    self->reply_error(request, removed.error(), message.path());
    co_return;
  }
  self->writer().send(wire::kind::ok, request, wire::last, v1::Ok());
}

}  // namespace sluice::native
