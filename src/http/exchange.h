// One request and its response, as a handler sees them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/budget.h"
#include "base/permission.h"
#include "http/chunks.h"
#include "http/request.h"
#include "http/response.h"
#include "net/pace.h"
#include "net/stream.h"
#include "net/visitors.h"
#include "sluice/awaitable.h"
#include "sluice/error.h"
#include "transfer/downloads.h"

namespace sluice::http {

class connection;

// Ends the connection of one exchange from elsewhere: how a newer request for the same upload gets
// rid of the older one. Copyable; any thread; harmless when the exchange is over.
class exchange_abort {
 public:
  exchange_abort(std::weak_ptr<connection> of, std::uint64_t number)
      : of_(std::move(of)), number_(number) {}

  // Closes the connection soon: every operation of the exchange then fails with `cancelled`.
  void operator()() const;

 private:
  std::weak_ptr<connection> of_;
  std::uint64_t number_;
};

// Owned by the connection for the time of one handler; one coroutine at a time, on the connection's
// thread. Deadlines are the connection's: a peer that sends or takes too slowly fails the operation
// that waits for it.
//
// Errors of all operations: end_of_stream and broken_stream (the peer left), timed_out, cancelled
// (aborted, or the server stops), io. After one nothing more can be sent, and the handler returns
// it. Names for what owns something come before the co_await: `const response r = ...;`.
class exchange {
 public:
  exchange(connection& home, request&& asked, std::uint64_t number);
  ~exchange();
  exchange(const exchange&) = delete;
  exchange& operator=(const exchange&) = delete;

  [[nodiscard]] const request& asked() const noexcept { return asked_; }
  // Where it comes from: the client's address as a text.
  [[nodiscard]] const std::string& from() const noexcept;
  // For whom it is answered; known before a handler is called.
  [[nodiscard]] const base::caller_ptr& caller() const noexcept { return caller_; }
  void answer_for(base::caller_ptr who) noexcept { caller_ = std::move(who); }
  // Counts as one of the caller's connections until it is over, and goes no faster than the caller
  // may. `whose` may be null. busy
  [[nodiscard]] result<void> take_place(const base::budget_ptr& whose);
  // The right to something that the request names, asked for the caller.
  template <base::right R>
  [[nodiscard]] result<base::permitted<R>> permit(std::string_view path) const {
    return base::permit<R>(caller_, std::string(path));
  }
  // The same for who does something else where it may not.
  template <base::right R>
  [[nodiscard]] std::optional<base::permitted<R>> try_permit(std::string_view path) const {
    return base::try_permit<R>(caller_, std::string(path));
  }
  [[nodiscard]] executor where() const noexcept;
  // Is among those who are here until it is over.
  void show_in(net::visitors& all);
  [[nodiscard]] exchange_abort abort_handle() const;

  // --- The body of the request, decoded ---
  // "Expect: 100-continue" is answered by the first operation that has to wait for it.

  // Waits until `count` bytes of the body (or all that is left of it, or of its chunk) can be taken
  // without waiting, or as many as the kernel is willing to hold; at least one, or the end. Nobody
  // needs memory of ours meanwhile.
  //   bad_frame: a chunked body that is none. The connection answers it; return it.
  awaitable<result<void>> body_ready(std::size_t count);

  // Takes what is there, without waiting, straight from the kernel; 0: nothing yet, or the end.
  [[nodiscard]] result<std::size_t> body_now(std::span<std::byte> into);

  // Bytes of a body of known length that can be taken without waiting; 0 of a chunked one.
  [[nodiscard]] std::uint64_t body_here();

  // Both: at least one byte, 0 at the end only. Not filled unless the peer was fast.
  awaitable<result<std::size_t>> read_some(std::span<std::byte> into);

  // Until `into` is full or the body ends; how much it was.
  awaitable<result<std::size_t>> read_full(std::span<std::byte> into);

  // All of the body has been taken (true from the start where there is none). Then the trailers of
  // a chunked body are known; fields of framing and routing among them are dropped.
  [[nodiscard]] bool body_ended() const noexcept;
  [[nodiscard]] const field_list& trailers() const noexcept;
  // Of the body, taken so far.
  [[nodiscard]] std::uint64_t body_taken() const noexcept { return body_taken_; }

  // --- The response ---

  // 100, 104: any number before the final response. Nothing goes to a client of HTTP/1.0.
  awaitable<result<void>> send_interim(const response& what);

  // The final response with the body that it has: complete. The body is left away for HEAD, 204 and
  // 304 (HEAD has the Content-Length that GET would have).
  awaitable<result<void>> send(const response& what);
  awaitable<result<void>> refuse(const problem& why);
  // The same for who returns it instead of waiting for it.
  awaitable<result<void>> answer(response what);

  // The same in steps: begin, any number of writes, end. With `size_bytes` exactly as many must be
  // written; without, the body is chunked, or ends with the connection for HTTP/1.0. Writes of HEAD
  // go nowhere: ask `wants_body` to save the work. What begin has is sent with the first write.
  void begin(const response& head, std::optional<std::uint64_t> size_bytes);
  awaitable<result<void>> write(std::span<const std::byte> bytes);
  // From the page cache; what is not in it is read on the pool first.
  //   changed: the file became shorter; the connection is over
  awaitable<result<void>> write_file(const store::content& file, std::uint64_t offset,
                                     std::uint64_t size_bytes);
  awaitable<result<void>> end();
  // The same without waiting, and so without a coroutine, which costs a small file more than its
  // bytes do: how many of them went, which is none where it needs the disk or the peer; and whether
  // it is the end, for which nothing may be left to be sent.
  [[nodiscard]] result<std::uint64_t> write_file_now(const store::content& file,
                                                     std::uint64_t offset,
                                                     std::uint64_t size_bytes);
  [[nodiscard]] bool end_now() noexcept;
  // Of a response that goes on later: sends what still waits for the next write.
  awaitable<result<void>> push();
  [[nodiscard]] bool wants_body() const noexcept { return !asked_.is_head(); }

  [[nodiscard]] bool began() const noexcept { return began_; }
  [[nodiscard]] bool complete() const noexcept { return complete_; }
  // The client closed its side: long work for it may end. (A client that half-closes and waits is
  // not told apart, and rare.)
  [[nodiscard]] bool client_left() const;
  // The client sent more than this request already.
  [[nodiscard]] bool has_bytes_behind() const;
  // There is no response: the stream is the handler's until it returns, and is closed then. Limits
  // of time are the handler's too, but for the end of the server.
  [[nodiscard]] net::stream& hand_over() noexcept;
  // No further request is taken on this connection.
  void close_after() noexcept { closes_ = true; }

 private:
  friend class connection;

  // The body.
  [[nodiscard]] std::uint64_t data_left() const noexcept;
  void took(std::uint64_t bytes);
  [[nodiscard]] result<void> take_framing();
  [[nodiscard]] result<std::size_t> take_data(std::span<std::byte> into);
  [[nodiscard]] result<std::size_t> take_data_here(std::span<std::byte> into);

  // The response.
  [[nodiscard]] bool must_close() const;
  void announce(std::uint64_t size_bytes);
  [[nodiscard]] result<void> account(std::uint64_t size_bytes);
  awaitable<result<void>> flush(std::span<const std::byte> body, bool more);
  [[nodiscard]] result<std::uint64_t> send_cached(const store::content& file, std::uint64_t offset,
                                                  std::uint64_t size_bytes);

  awaitable<result<void>> keep_pace();

  connection& home_;
  const request asked_;
  base::caller_ptr caller_;
  std::optional<net::visitors::place> here_;
  base::budget_place place_;
  std::unique_ptr<net::pace> pace_;  // where the caller has one
  const std::uint64_t number_;

  std::uint64_t counted_left_ = 0;  // of a body whose length was told
  std::optional<chunk_reader> chunks_;
  std::unique_ptr<problem> rejection_;  // the body breaks the protocol
  std::uint64_t body_taken_ = 0;
  bool continued_ = false;  // 100 was sent

  std::string pending_;                     // head and framing that go out with the next bytes
  std::optional<std::uint64_t> size_left_;  // of a response whose length was told
  status code_ = status::unknown;
  bool chunked_ = false;
  bool began_ = false;
  bool complete_ = false;
  bool closes_ = false;
  bool handed_over_ = false;
};

}  // namespace sluice::http
