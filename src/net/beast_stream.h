// A stream as Beast's templates want one: an AsyncStream.
#pragma once

#include <boost/asio/compose.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/buffer_traits.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/beast/websocket/teardown.hpp>
#include <cstddef>
#include <span>
#include <utility>

#include "net/stream.h"

namespace sluice::net {

// The stream is the caller's and outlives it. One thread.
class beast_stream {
 public:
  using executor_type = executor;
  using next_layer_type = tcp_socket;
  using error_code = boost::system::error_code;

  explicit beast_stream(stream& of) noexcept : stream_(of) {}

  [[nodiscard]] executor_type get_executor() noexcept { return stream_.get_executor(); }
  [[nodiscard]] tcp_socket& next_layer() noexcept { return stream_.socket(); }
  [[nodiscard]] stream& of() noexcept { return stream_; }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& into, Token&& token) {
    return boost::asio::async_compose<Token, void(error_code, std::size_t)>(
        receiving<Buffers>{stream_, into}, token, stream_.socket());
  }

  template <class Buffers, class Token>
  auto async_write_some(const Buffers& bytes, Token&& token) {
    return boost::asio::async_compose<Token, void(error_code, std::size_t)>(
        sending<Buffers>{stream_, bytes}, token, stream_.socket());
  }

 private:
  // What a step gave, as Asio has it; 0: it is to be tried again when the socket is ready.
  struct outcome {
    error_code failed;
    std::size_t bytes = 0;
    [[nodiscard]] bool is_over() const noexcept { return failed || bytes > 0; }
  };
  static outcome outcome_of(const result<std::size_t>& gave) {
    if (gave) return {{}, *gave};
    switch (gave.error().code) {
      case errc::end_of_stream: return {boost::asio::error::eof, 0};
      case errc::cancelled: return {boost::asio::error::operation_aborted, 0};
      default: return {boost::asio::error::connection_reset, 0};
    }
  }

  // Both operations: try; where that gave nothing, wait and try again; never end before the caller
  // returned.
  template <class Derived>
  struct operation {
    outcome now;
    bool has_waited = false;

    template <class Self>
    void operator()(Self& self, error_code failed = {}) {
      auto& derived = static_cast<Derived&>(*this);
      if (now.is_over()) return self.complete(now.failed, now.bytes);  // was posted
      if (failed) return self.complete(failed, 0);
      now = derived.has_nothing_to_do() ? outcome{} : derived.step();
      const bool is_over = now.is_over() || derived.has_nothing_to_do();
      if (is_over && has_waited) return self.complete(now.failed, now.bytes);
      has_waited = true;
      if (!is_over) return derived.wait(std::move(self));
      boost::asio::post(derived.of.get_executor(), std::move(self));
    }

   private:
    friend Derived;
    operation() = default;
  };

  template <class Buffers>
  struct receiving : operation<receiving<Buffers>> {
    receiving(stream& from, const Buffers& buffers) : of(from), into(buffers) {}
    stream& of;
    Buffers into;

    [[nodiscard]] bool has_nothing_to_do() const { return boost::beast::buffer_bytes(into) == 0; }
    outcome step() {
      for (auto each = boost::asio::buffer_sequence_begin(into);
           each != boost::asio::buffer_sequence_end(into); ++each) {
        const boost::asio::mutable_buffer piece(*each);
        if (piece.size() == 0) continue;
        return outcome_of(of.receive({static_cast<std::byte*>(piece.data()), piece.size()}));
      }
      return {};
    }
    template <class Self>
    void wait(Self self) {
      stream& from = of;
      (void)from.begin_wait(1);
      from.async_readable(std::move(self));
    }
  };

  template <class Buffers>
  struct sending : operation<sending<Buffers>> {
    sending(stream& to, const Buffers& buffers) : of(to), bytes(buffers) {}
    stream& of;
    Buffers bytes;

    [[nodiscard]] bool has_nothing_to_do() const { return boost::beast::buffer_bytes(bytes) == 0; }
    // Two pieces go at once: what Beast writes has a head and a body.
    outcome step() {
      std::span<const std::byte> first;
      for (auto each = boost::asio::buffer_sequence_begin(bytes);
           each != boost::asio::buffer_sequence_end(bytes); ++each) {
        const boost::asio::const_buffer piece(*each);
        if (piece.size() == 0) continue;
        const std::span<const std::byte> next(static_cast<const std::byte*>(piece.data()),
                                              piece.size());
        if (!first.empty()) return outcome_of(of.send(first, next, false));
        first = next;
      }
      return outcome_of(of.send(first, {}, false));
    }
    template <class Self>
    void wait(Self self) {
      stream& to = of;
      to.async_writable(std::move(self));
    }
  };

  stream& stream_;
};

// Beast's ways to end the connection below a WebSocket (RFC 6455, 7.1.1).
template <class Handler>
void async_teardown(boost::beast::role_type role, beast_stream& of, Handler&& handler) {
  of.of().close_notify();
  boost::beast::websocket::async_teardown(role, of.next_layer(), std::forward<Handler>(handler));
}
inline void teardown(boost::beast::role_type role, beast_stream& of,
                     boost::system::error_code& failed) {
  of.of().close_notify();
  boost::beast::websocket::teardown(role, of.next_layer(), failed);
}

}  // namespace sluice::net
