// A conversation, the client's side: what is typed goes to the server, and what is typed there
// appears here. The end of the input (Ctrl-D) ends the conversation.
//
//   talk_client [HOST:PORT]      default 127.0.0.1:9000
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <iostream>

#include "sluice/connect.h"
#include "terminal.h"

namespace asio = sluice::asio;
using sluice::awaitable;
using sluice::frame_stream;
using namespace asio::experimental::awaitable_operators;  // &&: both, side by side

// TCP goes both ways at once: this and `hear` use one stream side by side.
awaitable<void> say(frame_stream& peer, talk::typed_lines& typed) {
  for (;;) {
    const auto line = co_await typed.next();
    if (!line) break;
    if (line->empty()) continue;
    auto sent = co_await peer.write(*line);
    if (!sent) co_return;
  }
  (void)co_await peer.shutdown();  // the server sees the end, and ends its side: then `hear` ends
}

awaitable<void> hear(frame_stream& peer, talk::typed_lines& typed) {
  for (;;) {
    auto line = co_await peer.read();
    if (!line) {
      const bool in_order = line.error().code == sluice::errc::end_of_stream;
      talk::print_line(in_order ? "the conversation is over" : line.error().message());
      break;
    }
    if (!line->empty()) talk::print_line("server: " + std::string(sluice::as_text(*line)));
  }
  typed.end();  // nobody is left to type to: then `say` ends
}

awaitable<int> converse(sluice::host_port where, talk::typed_lines& typed) {
  auto peer = co_await sluice::connect(where);
  if (!peer) {
    std::cerr << peer.error().message() << "\n";
    co_return 3;
  }
  talk::print_line("connected to " + sluice::to_string(peer->remote_endpoint()));
  co_await (say(*peer, typed) && hear(*peer, typed));
  co_return 0;
}

int main(int argc, char** argv) {
  const auto where = sluice::parse_host_port(argc > 1 ? argv[1] : "127.0.0.1:9000");
  if (!where) {
    std::cerr << where.error().message() << "\n";
    return 2;
  }
  asio::io_context io(1);
  talk::typed_lines typed(io);
  int status = 1;
  asio::co_spawn(io, converse(*where, typed), [&status](const std::exception_ptr& bug, int ended) {
    if (bug) std::rethrow_exception(bug);
    status = ended;
  });
  io.run();
  return status;
}
