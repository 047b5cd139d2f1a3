// The "sticky packet" problem, shown and solved.
//
// TCP carries a stream of bytes. It keeps their order and nothing else: where one send ended and
// the next began is not carried. Three sends may arrive in one receive, and one send in several. So
// the stream itself has to say where a message ends: here, by its length in front.
#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/write.hpp>
#include <iostream>
#include <string>
#include <utility>

#include "sluice/frame_stream.h"

namespace asio = sluice::asio;
using sluice::awaitable;
using sluice::tcp_socket;

const std::array<std::string, 3> messages{"one", "two", "three"};

// Both ends of a connection, here in one program.
std::pair<tcp_socket, tcp_socket> make_connection(asio::io_context& io) {
  sluice::tcp_acceptor acceptor(io.get_executor(), {asio::ip::address_v4::loopback(), 0});
  tcp_socket client(io);
  client.connect(acceptor.local_endpoint());
  return {std::move(client), acceptor.accept()};
}

// The problem: three sends, one receive.
void show(asio::io_context& io) {
  auto [client, server] = make_connection(io);
  std::size_t sent = 0;
  for (const auto& message : messages) sent += client.write_some(asio::buffer(message));

  while (server.available() < sent) server.wait(tcp_socket::wait_read);  // all of it is there
  std::string bytes(100, '\0');
  bytes.resize(server.read_some(asio::buffer(bytes)));
  std::cout << "3 sends, 1 receive: \"" << bytes << "\"\n";
}

// The answer: three frames, three messages, however the bytes travel.
awaitable<void> solve(asio::io_context& io) {
  auto [client, server] = make_connection(io);
  sluice::frame_stream sender(std::move(client));
  sluice::frame_stream receiver(std::move(server));

  for (const auto& message : messages) (void)co_await sender.write(message);
  std::cout << "3 frames in one send:";
  for (std::size_t i = 0; i < messages.size(); ++i) {
    auto frame = co_await receiver.read();
    std::cout << " \"" << sluice::as_text(frame.value()) << "\"";
  }
  std::cout << "\n";
}

// The opposite of sticky: the same frames cut into single bytes, with a pause wherever TCP likes.
awaitable<void> send_byte_by_byte(tcp_socket client) {
  std::vector<std::byte> stream;
  for (const auto& message : messages)
    (void)sluice::frame_encoder().encode(sluice::as_frame(message), stream);
  for (const std::byte& byte : stream) {
    const auto [failed, written] =
        co_await client.async_write_some(asio::buffer(&byte, 1), sluice::as_tuple);
    if (failed) co_return;
  }
}

awaitable<void> receive_whole(tcp_socket server) {
  sluice::frame_stream receiver(std::move(server));
  std::cout << "3 frames, 1 byte a send:";
  for (;;) {
    auto frame = co_await receiver.read();
    if (!frame) break;
    std::cout << " \"" << sluice::as_text(*frame) << "\"";
  }
  std::cout << "\n";
}

void rethrow(const std::exception_ptr& bug) {
  if (bug) std::rethrow_exception(bug);
}

int main() {
  asio::io_context io(1);
  show(io);

  asio::co_spawn(io, solve(io), rethrow);
  io.run();

  auto [client, server] = make_connection(io);
  asio::co_spawn(io, receive_whole(std::move(server)), rethrow);
  asio::co_spawn(io, send_byte_by_byte(std::move(client)), rethrow);
  io.restart();
  io.run();
}
