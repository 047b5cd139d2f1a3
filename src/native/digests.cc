// DIGESTS: of a stored file, or of what an upload holds.
#include <algorithm>
#include <limits>

#include "native/convert.h"
#include "native/requests.h"
#include "net/on_pool.h"
#include "transfer/downloads.h"
#include "transfer/uploads.h"

namespace sluice::native {
namespace {

// Blocks that one visit to the pool reads: 16 MiB, so that others have their turn and the client
// sees progress.
constexpr std::uint64_t blocks_per_step = 16;

transfer::digest_source source_of(const v1::Digests& message) {
  return message.source() == v1::CONTENT ? transfer::digest_source::content
                                         : transfer::digest_source::recorded;
}

// Digests in ascending order, sent as runs of consecutive blocks.
class run_sender {
 public:
  run_sender(std::shared_ptr<session> self, std::uint32_t request)
      : session_(std::move(self)), request_(request) {}

  void add(const transfer::block_digest& one) {
    const bool recorded = one.recorded.has_value();
    const bool joins = count_ > 0 && one.block == run_.first_block() + count_ &&
                       count_ < wire::max_run_digests && recorded == !run_.recorded().empty();
    if (!joins) {
      send(wire::no_flags);
      run_.set_first_block(one.block);
    }
    wire::append_digest(*run_.mutable_digests(), one.digest);
    if (recorded) wire::append_digest(*run_.mutable_recorded(), *one.recorded);
    ++count_;
  }

  void send(std::uint8_t flags) {
    if (count_ == 0 && flags == wire::no_flags) return;
    session_->writer().send(wire::kind::digest_run, request_, flags, run_);
    run_.Clear();
    count_ = 0;
  }

  void finish(const v1::Entry* entry) {
    if (entry != nullptr) *run_.mutable_entry() = *entry;
    send(wire::last);
  }

 private:
  std::shared_ptr<session> session_;
  std::uint32_t request_;
  v1::DigestRun run_;
  std::uint64_t count_ = 0;
};

// [first, end) of what was asked for, within `block_count` blocks.
std::pair<std::uint64_t, std::uint64_t> asked(const v1::Digests& message,
                                              std::uint64_t block_count) {
  const std::uint64_t first = std::min<std::uint64_t>(message.first_block(), block_count);
  const std::uint64_t wanted =
      message.block_count() == 0 ? block_count - first : message.block_count();
  return {first, first + std::min(wanted, block_count - first)};
}

awaitable<result<void>> digests_of_file(std::shared_ptr<session> self, std::uint32_t request,
                                        v1::Digests message) {
  auto& shared = self->shared();
  const auto asked_for = base::permit<base::right::take>(self->caller(), message.path());
  if (!asked_for) co_return std::unexpected(asked_for.error());
  const auto file = co_await net::on_pool(
      shared.pool, [&shared, &asked_for] { return shared.downloads.open(*asked_for); });
  if (!file) co_return std::unexpected(file.error());
  const auto& info = (*file)->info();
  const auto [first, end] =
      asked(message, (info.size_bytes + base::block_bytes - 1) / base::block_bytes);
  run_sender runs(self, request);
  for (std::uint64_t at = first; at < end; at += blocks_per_step) {
    const std::uint64_t count = std::min(blocks_per_step, end - at);
    const auto step = co_await net::on_pool(shared.pool, [&file, &message, at, count] {
      return (*file)->digests(at, count, source_of(message));
    });
    if (!step) co_return std::unexpected(step.error());
    for (const auto& one : *step) runs.add(one);
    runs.send(wire::no_flags);
    auto room = co_await self->writer().room();
    if (!room) co_return room;
  }
  const auto entry = to_wire(info, plain_path(message.path()));
  runs.finish(&entry);
  co_return result<void>{};
}

// One behind the last block that the upload may hold.
std::uint64_t block_end(const transfer::upload& held) {
  if (const auto size = held.size_bytes())
    return (*size + base::block_bytes - 1) / base::block_bytes;
  const auto last = held.held(0, std::numeric_limits<std::uint64_t>::max());
  return last.empty() ? 0 : last.back().block + 1;
}

awaitable<result<void>> digests_of_upload(std::shared_ptr<session> self, std::uint32_t request,
                                          v1::Digests message) {
  auto& shared = self->shared();
  const auto id = upload_id_text(message.upload_id());
  if (!id) co_return std::unexpected(id.error());
  const auto who = self->caller();
  const auto opened = co_await net::on_pool(
      shared.pool, [&shared, &id, &who] { return shared.uploads.join(*id, who); });
  if (!opened) co_return std::unexpected(opened.error());
  run_sender runs(self, request);
  if (opened->upload) {
    const auto& held = opened->upload;
    const auto [first, end] = asked(message, block_end(*held));
    for (std::uint64_t at = first; at < end; at += blocks_per_step) {
      const std::uint64_t count = std::min(blocks_per_step, end - at);
      const auto step = co_await net::on_pool(shared.pool, [&held, &message, at, count] {
        return held->digests(at, count, source_of(message));
      });
      if (!step) co_return std::unexpected(step.error());
      for (const auto& one : *step) runs.add(one);
      auto room = co_await self->writer().room();
      if (!room) co_return room;
    }
  }
  runs.finish(nullptr);
  co_return result<void>{};
}

}  // namespace

awaitable<void> answer_digests(std::shared_ptr<session> self, std::uint32_t request,
                               v1::Digests message) {
  result<void> answered;
  if (message.path().empty() == message.upload_id().empty()) {
    answered = fail(errc::invalid_argument, "DIGESTS needs a path or an upload id, and not both");
  } else if (message.upload_id().empty()) {
    answered = co_await digests_of_file(self, request, message);
  } else {
    answered = co_await digests_of_upload(self, request, message);
  }
  if (!answered) self->reply_error(request, answered.error(), message.path());
}

}  // namespace sluice::native
