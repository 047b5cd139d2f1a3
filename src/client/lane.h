// The PUT request of one connection: its part of an upload.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "client/upload.h"

namespace sluice::client {

// Shared by its connection, its upload's coroutine and the work on the disk. I/O thread.
class lane final : public request, public std::enable_shared_from_this<lane> {
 public:
  lane(std::shared_ptr<upload> owner, std::shared_ptr<connection> by)
      : owner_(std::move(owner)), by_(std::move(by)) {}

  // Sends the PUT; again where the one before is over.
  void open(const v1::Put& message);

  result<void> on_message(const wire::frame_head& head, std::span<const std::byte> body) override;
  void on_failed(const error& why, bool lost) override;

  // A block that was read and digested goes out, from where it lies.
  void send_block(std::uint64_t block, const wire::block_head& head, net::memory_piece content);
  void send(wire::kind what, const google::protobuf::MessageLite& message) {
    by_->send(what, number_, message);
  }

  [[nodiscard]] connection& by() noexcept { return *by_; }
  [[nodiscard]] std::shared_ptr<connection> link() const { return by_; }
  [[nodiscard]] const std::optional<error>& failed() const noexcept { return failed_; }

  std::optional<v1::PutOpened> opened;
  bool done = false;                // PUT_DONE came
  bool left = false;                // OK to PUT_LEAVE or PUT_ABORT came
  bool asked_checkpoint = false;    // since the last block
  unsigned reading = 0;             // blocks with the disk that are to go out here
  std::set<std::uint64_t> unacked;  // sent here and not told durable

 private:
  result<void> on_durable(std::span<const std::byte> body);
  result<void> on_refused(std::span<const std::byte> body);

  std::shared_ptr<upload> owner_;
  std::shared_ptr<connection> by_;
  std::uint32_t number_ = 0;
  std::optional<error> failed_;
};

}  // namespace sluice::client
