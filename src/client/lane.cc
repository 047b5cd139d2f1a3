#include "client/lane.h"

#include <fmt/format.h>

#include "wire/error_message.h"
#include "wire/message.h"

namespace sluice::client {

void lane::open(const v1::Put& message) {
  opened.reset();
  failed_.reset();
  number_ = by_->begin(wire::kind::put, message, shared_from_this());
}

result<void> lane::on_message(const wire::frame_head& head, std::span<const std::byte> body) {
  result<void> taken;
  switch (head.kind) {
    case wire::kind::put_opened: {
      auto told = wire::parse_message<v1::PutOpened>(head.kind, body);
      if (!told) return std::unexpected(told.error());
      opened = std::move(*told);
      break;
    }
    case wire::kind::blocks_durable: taken = on_durable(body); break;
    case wire::kind::block_refused: taken = on_refused(body); break;
    case wire::kind::put_done: done = true; break;
    case wire::kind::ok: left = true; break;
    default:
      taken =
          fail(errc::bad_frame, fmt::format("{} in the reply to a PUT", wire::name_of(head.kind)));
  }
  owner_->changed_.notify_all();
  return taken;
}

result<void> lane::on_durable(std::span<const std::byte> body) {
  const auto told = wire::parse_message<v1::BlocksDurable>(wire::kind::blocks_durable, body);
  if (!told) return std::unexpected(told.error());
  const auto blocks = owner_->durable_.capacity();
  for (const auto& each : told->blocks()) {
    if (each.count() > blocks || each.first() > blocks - each.count()) {
      return fail(errc::bad_frame, "a durable block beyond the end of the file");
    }
    for (auto block = each.first(); block < each.first() + each.count(); ++block) {
      if (unacked.erase(block) > 0) owner_->durable_.insert(block);
    }
  }
  return {};
}

result<void> lane::on_refused(std::span<const std::byte> body) {
  const auto told = wire::parse_message<v1::BlockRefused>(wire::kind::block_refused, body);
  if (!told) return std::unexpected(told.error());
  const auto block = told->offset() / base::block_bytes;
  if (unacked.erase(block) == 0) return fail(errc::bad_frame, "a refusal of what was not sent");
  owner_->refused(block, wire::from_wire(told->error()));
  return {};
}

void lane::on_failed(const error& why, bool lost) {
  failed_ = why;
  for (auto block = unacked.rbegin(); block != unacked.rend(); ++block) owner_->to_do(*block);
  unacked.clear();
  if (!lost && is_of_connection(why)) by_->close(why);
  owner_->changed_.notify_all();
}

void lane::send_block(std::uint64_t block, const wire::block_head& head,
                      net::memory_piece content) {
  unacked.insert(block);
  asked_checkpoint = false;
  by_->writer().send_block(number_, head, std::move(content));
}

}  // namespace sluice::client
