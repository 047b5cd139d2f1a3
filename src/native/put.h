// One open PUT: blocks come in, the client is told which are durable, and the file is published.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/buffer_pool.h"
#include "native/session.h"
#include "transfer/upload_writer.h"
#include "transfer/uploads.h"

namespace sluice::native {

// Shared by the coroutines of its session; on the session's thread, except where a pool or a
// call-back is named.
class put : public std::enable_shared_from_this<put> {
 public:
  // Opens, resumes or joins the upload and answers PUT_OPENED. Null: the reply is over already.
  static awaitable<std::shared_ptr<put>> open(std::shared_ptr<session> self, std::uint32_t request,
                                              v1::Put message);

  // A `whole` file that does not arrive at one go: an upload like any other, of one block, that is
  // finished by itself. The BLOCK frame's head was read, its payload is still to come. False: the
  // block was refused, and is to be sent again. Errors end the session; nothing is left behind.
  static awaitable<result<bool>> receive_slowly(std::shared_ptr<session> self,
                                                std::uint32_t request, const v1::Put& message,
                                                wire::block_head block);

  put(std::shared_ptr<session> self, std::uint32_t request, const transfer::opened_upload& opened);

  // Reads the frame: BLOCK, CHECKPOINT, PUT_FINISH, PUT_ABORT or PUT_LEAVE. Errors end the session.
  awaitable<result<void>> take(const wire::frame_head& head);

  // The connection ended. What arrived stays.
  void leave() { writer_.reset(); }

 private:
  awaitable<result<void>> take_block(wire::block_head block);
  awaitable<result<void>> take_in_pieces(wire::block_head block, std::size_t size_bytes,
                                         base::pooled_buffer buffer, std::size_t here);
  awaitable<result<void>> append_rest(transfer::block_in_pieces& pieces, base::pooled_buffer buffer,
                                      std::size_t here, result<void>& outcome);
  static awaitable<void> write(std::shared_ptr<put> self, base::pooled_buffer buffer,
                               std::size_t size_bytes, wire::block_head block);
  static awaitable<void> checkpoint(std::shared_ptr<put> self);
  static awaitable<void> finish(std::shared_ptr<put> self, v1::PutFinish message);
  static awaitable<void> abort(std::shared_ptr<put> self);
  static awaitable<void> depart(std::shared_ptr<put> self);
  awaitable<void> quiet();

  void attach();
  void block_ended(const wire::block_head& block, const result<void>& outcome);
  void refuse_block(std::uint64_t offset, const error& why);
  void tell(const transfer::durability_report& report);
  void end_with(const error& why);
  void drop_untold();
  [[nodiscard]] bool must_wait(std::uint64_t offset) const;
  void start_finish(std::optional<std::uint64_t> size_bytes);

  const std::shared_ptr<session> session_;
  const std::uint32_t request_;
  const std::shared_ptr<transfer::upload> upload_;
  const transfer::upload::allowed by_;
  std::shared_ptr<transfer::upload_writer> writer_;
  std::vector<std::uint64_t> writing_;  // offsets of blocks on their way to the disk
  bool refused_ = false;                // a block was
  bool ending_ = false;     // the client asked for the end: nothing before it ends the reply
  bool over_ = false;       // the final frame of the reply was sent
  bool is_untold_ = false;  // nobody could go on with the upload
};

}  // namespace sluice::native
