// The answer at the connection limit.
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "native/session.h"
#include "net/path_tuning.h"
#include "wire/error_message.h"
#include "wire/preface.h"

namespace sluice::native {

// Not a session: it says two things and goes. What the client sends is not read, but for the
// preface, since closing a socket with unread bytes would throw away the answer on its way.
awaitable<void> refuse(tcp_socket accepted, service& shared) {
  const auto kept = std::make_shared<tcp_socket>(std::move(accepted));
  tcp_socket& socket = *kept;
  steady_timer deadline(socket.get_executor(), shared.limits.handshake);
  deadline.async_wait([kept](const boost::system::error_code& cancelled) {
    boost::system::error_code ignored;
    if (!cancelled) kept->close(ignored);
  });
  wire::preface preface{};
  auto [unread, got] =
      co_await boost::asio::async_read(socket, boost::asio::buffer(preface), as_tuple);
  const auto client = wire::parse_client_preface(preface);
  if (!unread && client) {
    const auto answer = wire::encode_server_preface(wire::answer_to(*client));
    std::vector<std::byte> bytes(answer.begin(), answer.end());
    wire::append_error(bytes, 0,
                       error{errc::busy, "this server has as many connections as it may"});
    co_await boost::asio::async_write(socket, boost::asio::buffer(bytes), as_tuple);
    boost::system::error_code ignored;
    socket.shutdown(tcp_socket::shutdown_send, ignored);
    std::array<std::byte, 4096> rest{};
    for (;;) {  // until the client closes, or the deadline does
      auto [ended, count] = co_await socket.async_read_some(boost::asio::buffer(rest), as_tuple);
      if (ended) break;
    }
  }
  deadline.cancel();
}

}  // namespace sluice::native
