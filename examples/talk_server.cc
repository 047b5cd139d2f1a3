// A conversation, the server's side: what a client types appears here, and what is typed here goes
// to every client.
//
//   talk_server [HOST:PORT] [--backlog N] [--max-connections N]      default 127.0.0.1:9000
//
// A line is one frame: 4 bytes of length, most significant first, then that many bytes of UTF-8.
// An empty line is never sent, and an empty frame is no line: neither means anything to anyone, and
// neither makes anyone wait.
#include <boost/asio/co_spawn.hpp>
#include <iostream>
#include <set>

#include "sluice/listener.h"
#include "terminal.h"

namespace asio = sluice::asio;
using sluice::awaitable;
using sluice::frame_stream;

// The clients that are here. One thread runs all of this program's coroutines, so there is no lock.
using clients = std::set<frame_stream*>;

// A client's place among the others, given up however its conversation ends.
struct place {
  place(clients& all, frame_stream& self) : all_(all), self_(&self) { all_.insert(self_); }
  ~place() { all_.erase(self_); }
  place(const place&) = delete;
  place& operator=(const place&) = delete;
  clients& all_;
  frame_stream* self_;
};

// Runs once for each client, all of them side by side.
awaitable<void> listen_to(clients& all, frame_stream peer) {
  const place here(all, peer);
  const std::string name = sluice::to_string(peer.remote_endpoint());
  for (;;) {
    auto line = co_await peer.read();
    if (!line) co_return;
    if (!line->empty()) talk::print_line(name + ": " + std::string(sluice::as_text(*line)));
  }
}

awaitable<void> say_what_is_typed(clients& all, talk::typed_lines& typed) {
  for (;;) {
    const auto line = co_await typed.next();
    if (!line) co_return;  // nobody types any more; the server goes on
    if (line->empty()) continue;
    for (frame_stream* peer : all)  // one slow reader must not hold up the others: it has to leave
      if (!peer->try_write(sluice::as_frame(*line))) peer->abort();
  }
}

void tell_of_the_end(const sluice::session_end& session) {
  const std::string who = sluice::to_string(session.peer);
  talk::print_line(session.trouble ? who + " is gone (" + session.trouble->message() + ")"
                                   : who + " left");
}

int main(int argc, char** argv) {
  const bool named = argc > 1 && argv[1][0] != '-';
  const auto where = sluice::parse_host_port(named ? argv[1] : "127.0.0.1:9000");
  if (!where) {
    std::cerr << where.error().message() << "\n";
    return 2;
  }

  // What is spawned on the io_context may use what is declared above it.
  clients all;
  asio::io_context io(1);
  talk::typed_lines typed(io);

  sluice::listener_options options;
  options.backlog = talk::number_option(argc, argv, "--backlog").value_or(16);
  options.max_connections =
      static_cast<std::size_t>(talk::number_option(argc, argv, "--max-connections").value_or(100));
  options.hooks.on_open = [](const auto& peer) {
    talk::print_line(sluice::to_string(peer) + " joined");
  };
  options.hooks.on_end = tell_of_the_end;

  auto server = sluice::listener::open(io, *where, options);  // socket, bind, listen
  if (!server) {
    std::cerr << server.error().message() << "\n";
    return 1;
  }
  server->serve([&all](frame_stream peer) { return listen_to(all, std::move(peer)); });  // accept
  talk::print_line("listening on " + sluice::to_string(server->local_endpoint()));

  asio::co_spawn(io, say_what_is_typed(all, typed), [](const std::exception_ptr& bug) {
    if (bug) std::rethrow_exception(bug);
  });
  io.run();
}
