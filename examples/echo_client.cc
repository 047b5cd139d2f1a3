// Sends each word as one frame, and prints what comes back.
//
//   echo_client HOST:PORT WORD...
#include <boost/asio/co_spawn.hpp>
#include <iostream>
#include <string>
#include <vector>

#include "sluice/connect.h"

using sluice::awaitable;

awaitable<sluice::result<void>> send_and_print(sluice::host_port where,
                                               std::vector<std::string> words) {
  auto peer = co_await sluice::connect(where);
  if (!peer) co_return std::unexpected(peer.error());
  for (const auto& word : words) {  // queued, and sent together when read() has to wait
    auto sent = co_await peer->write(word);
    if (!sent) co_return sent;
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    auto frame = co_await peer->read();
    if (!frame) co_return std::unexpected(frame.error());
    std::cout << sluice::as_text(*frame) << "\n";
  }
  co_return sluice::result<void>{};
}

int main(int argc, char** argv) {
  const auto where = sluice::parse_host_port(argc > 1 ? argv[1] : "");
  if (!where) {
    std::cerr << where.error().message() << "\n";
    return 2;
  }
  int status = 0;
  sluice::asio::io_context io(1);
  sluice::asio::co_spawn(io, send_and_print(*where, {argv + 2, argv + argc}),
                         [&status](const std::exception_ptr& bug, sluice::result<void> done) {
                           if (bug) std::rethrow_exception(bug);
                           if (done) return;
                           std::cerr << done.error().message() << "\n";
                           status = 1;
                         });
  io.run();
  return status;
}
