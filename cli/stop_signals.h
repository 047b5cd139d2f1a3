// SIGINT and SIGTERM as a stop_token.
#pragma once

#include <csignal>
#include <stop_token>
#include <thread>

#include "base/unique_fd.h"

namespace sluice::cli {

// While it lives, the first SIGINT or SIGTERM asks for a stop, and a second one ends the program at
// once with exit code 9. To be made before any other thread, so that all of them have the signals
// blocked. A signal that the parent made the program ignore (nohup) stays ignored.
class stop_signals {
 public:
  stop_signals();
  ~stop_signals();

  [[nodiscard]] std::stop_token token() const { return stop_.get_token(); }

 private:
  void watch();

  std::stop_source stop_;
  sigset_t before_{};
  base::unique_fd signals_;
  base::unique_fd end_;
  std::thread watcher_;
};

}  // namespace sluice::cli
