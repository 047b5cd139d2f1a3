// Sends every frame back to where it came from.
//
//   echo_server [HOST:PORT]      default 127.0.0.1:9000; port 0 picks one
#include <iostream>

#include "sluice/listener.h"

using sluice::awaitable;

awaitable<void> echo(sluice::frame_stream peer) {  // owns its socket
  for (;;) {
    auto frame = co_await peer.read();
    if (!frame) co_return;  // end or error; the listener logs it
    auto sent = co_await peer.write(*frame);
    if (!sent) co_return;
  }
}

int main(int argc, char** argv) {
  const auto where = sluice::parse_host_port(argc > 1 ? argv[1] : "127.0.0.1:9000");
  if (!where) {
    std::cerr << where.error().message() << "\n";
    return 2;
  }
  sluice::asio::io_context io(1);
  auto server = sluice::listener::open(io, *where);
  if (!server) {
    std::cerr << server.error().message() << "\n";
    return 1;
  }
  std::cout << "listening on " << sluice::to_string(server->local_endpoint()) << std::endl;
  server->serve(echo);  // one coroutine a connection
  io.run();
}
