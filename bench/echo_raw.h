// The other sides of echo_bench, on epoll without any library: a server to compare with, and the
// client that measures both.
#pragma once

#include <chrono>
#include <cstdint>

// `depth` frames are on their way on each connection at any time; 1 is ping-pong.
struct echo_load {
  int connections;
  int depth;
  std::chrono::duration<double> duration;
};

// Frames a second. Ends the program on an error or a wrong answer.
double run_echo_client(std::uint16_t port, const echo_load& load);

// Reads what is there, walks over its frames, and sends them back in one call. One thread.
class raw_echo_server {
 public:
  raw_echo_server();
  ~raw_echo_server();
  raw_echo_server(const raw_echo_server&) = delete;
  raw_echo_server& operator=(const raw_echo_server&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  void run();   // until stop()
  void stop();  // from another thread

 private:
  int epoll_;
  int listener_;
  int stop_;
  std::uint16_t port_ = 0;
};
