// An upload that lost its name to another writer: the server keeps what arrived, and the same
// content goes on under another name without being sent again.
#include <fmt/format.h>

#include "client/digests.h"
#include "client/lane.h"
#include "client/upload.h"

namespace sluice::client {

void upload::take_name(std::string path) {
  place_.path = std::move(path);
  place_.replace.reset();
  renames_ = !upload_id_.empty();
  failed_.reset();
}

// PUT, and where the server tells of a kept upload with our content a second one, which gives it
// our name.
awaitable<result<void>> upload::open_on(lane_ptr by) {
  for (;;) {
    by->open(opening());
    while (!by->opened && !by->done && !by->failed()) co_await changed_.wait();
    if (by->failed()) {
      if (lets_kept_go(*by->failed())) continue;
      co_return std::unexpected(*by->failed());
    }
    if (by->done || by->opened->path().empty()) co_return result<void>{};
    auto looked = co_await look_at_kept(by);
    if (!looked) co_return looked;
  }
}

// Of two who want one kept upload, the second sends its own.
bool upload::lets_kept_go(const error& why) {
  if (!renames_ || (why.code != errc::not_found && why.code != errc::conflict)) return false;
  renames_ = asks_kept_ = compared_ = false;
  upload_id_.clear();
  durable_ = block_set(durable_.capacity());
  return true;
}

// It is taken over only where all of it is what we would send: it may be another's.
awaitable<result<void>> upload::look_at_kept(lane_ptr by) {
  session_.progress().enter(phase::comparing, place_.path);
  const auto kept = *by->opened;
  const digest_question what{
      .path = {}, .upload_id = kept.upload_id(), .size_bytes = source_.facts.size_bytes};
  auto found = co_await compare(by->link(), what, source_.fd.get(), {});
  if (!found) co_return std::unexpected(std::move(found.error()));
  if (!found->different.empty()) {
    session_.progress().moved(-static_cast<std::int64_t>(found->equal_bytes));
    asks_kept_ = false;
    co_return result<void>{};
  }
  for (std::uint64_t block = 0; block < durable_.capacity(); ++block) durable_.insert(block);
  upload_id_ = kept.upload_id();
  renames_ = compared_ = true;
  session_.progress().notice(
      fmt::format("{}: its content is on the server already, kept when {} was taken", place_.path,
                  kept.path()));
  co_return result<void>{};
}

awaitable<void> upload::discard() {
  if (upload_id_.empty()) co_return;
  renames_ = false;
  auto by = co_await session_.open(place_.server);
  if (!by) co_return;
  const auto mine = std::make_shared<lane>(shared_from_this(), *by);
  mine->open(opening());
  while (!mine->opened && !mine->done && !mine->failed()) co_await changed_.wait();
  if (mine->opened) {
    mine->send(wire::kind::put_abort, v1::PutAbort());
    while (!mine->left && !mine->failed()) co_await changed_.wait();
  }
  session_.give_back(std::move(*by));
}

}  // namespace sluice::client
