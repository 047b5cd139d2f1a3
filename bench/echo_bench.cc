// Frames a second through an echo server: ours beside a raw epoll server, the same raw epoll client
// for both. 64-byte payload, 4-byte length; the server on one thread, the client on another.
//
//   echo_bench [SECONDS_PER_RUN] [RUNS] [CONNECTIONS DEPTH]
//
// 0.5 s and 5 runs unless told; the median is printed. CONNECTIONS and DEPTH: that load alone.
//
// The ns columns are CPU time of the server's thread for each frame.
// The servers take turns, since a machine's figures move from minute to minute: trust the ratio.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "echo_raw.h"
#include "sluice/listener.h"

using sluice::awaitable;

namespace {

awaitable<void> echo(sluice::frame_stream peer) {  // owns its socket
  for (;;) {
    auto frame = co_await peer.read();
    if (!frame) co_return;  // end or error; the listener logs it
    auto sent = co_await peer.write(*frame);
    if (!sent) co_return;
  }
}

// What a server reached, and what its thread paid for it.
struct figures {
  double frames_per_second;
  double cpu_ns_per_frame;
};

double thread_cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// Runs `serve` on a thread of its own while the client measures.
figures measure(std::uint16_t port, const echo_load& load, const std::function<void()>& serve,
                const std::function<void()>& stop) {
  double cpu_ns = 0;
  std::thread thread([&] {
    serve();
    cpu_ns = thread_cpu_ns();
  });
  const double rate = run_echo_client(port, load);
  stop();
  thread.join();
  return {rate, cpu_ns / (rate * load.duration.count())};
}

figures measure_ours(const echo_load& load) {
  sluice::asio::io_context io(1);
  sluice::listener_options options;
  options.hooks.on_end = [](const sluice::session_end&) {};  // the client leaves in a hurry
  sluice::listener server{io, {"127.0.0.1", 0}, options};
  server.serve(echo);
  return measure(server.local_endpoint().port(), load, [&io] { io.run(); }, [&io] { io.stop(); });
}

figures measure_raw(const echo_load& load) {
  raw_echo_server server;
  return measure(server.port(), load, [&server] { server.run(); }, [&server] { server.stop(); });
}

double median(std::vector<figures> runs, double figures::* what) {
  std::ranges::sort(runs, {}, what);
  return runs[runs.size() / 2].*what;
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 0.5;
  const int runs = argc > 2 ? std::atoi(argv[2]) : 5;
  std::string congestion;
  std::ifstream("/proc/sys/net/ipv4/tcp_congestion_control") >> congestion;
  std::printf("64-byte payload, loopback, %s, median of %d runs\n", congestion.c_str(), runs);
  std::printf("%11s %5s | %12s %12s %6s | %9s %9s\n", "connections", "deep", "raw epoll /s",
              "frame_stream", "ratio", "raw ns", "our ns");
  std::vector<std::pair<int, int>> loads{{1, 1}, {1, 64}, {100, 1}, {100, 64}};
  if (argc > 4) loads = {{std::atoi(argv[3]), std::atoi(argv[4])}};
  bool held = true;
  for (const auto& [connections, depth] : loads) {
    const echo_load load{connections, depth, std::chrono::duration<double>(seconds)};
    std::vector<figures> raw;
    std::vector<figures> ours;
    for (int run = 0; run < runs; ++run) {
      raw.push_back(measure_raw(load));
      ours.push_back(measure_ours(load));
    }
    const double raw_rate = median(raw, &figures::frames_per_second);
    const double our_rate = median(ours, &figures::frames_per_second);
    held = held && our_rate >= 0.8 * raw_rate;
    std::printf("%11d %5d | %12.0f %12.0f %6.2f | %9.0f %9.0f\n", connections, depth, raw_rate,
                our_rate, our_rate / raw_rate, median(raw, &figures::cpu_ns_per_frame),
                median(ours, &figures::cpu_ns_per_frame));
    std::fflush(stdout);
  }
  std::puts(held ? "all at 0.80 of raw epoll or better" : "BELOW 0.80 of raw epoll");
}
