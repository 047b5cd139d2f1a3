// The threads that sync the files of uploads, so that neither a writer nor the clock waits for it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace sluice::transfer {

class upload;

// Any thread. Each upload waits in the queue once at most, so that it is as long as there are
// uploads.
class checkpointer {
 public:
  explicit checkpointer(std::size_t threads);
  ~checkpointer();
  checkpointer(const checkpointer&) = delete;
  checkpointer& operator=(const checkpointer&) = delete;

  // Has `upload::run_checkpoint` called soon. Blocks on nothing. Nothing happens after `stop`.
  void request(std::shared_ptr<upload> wanted);

  // Runs what waits, and ends the threads. Once, not on one of them.
  void stop();

 private:
  void serve();

  std::mutex mutex_;
  std::condition_variable work_;
  std::deque<std::shared_ptr<upload>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace sluice::transfer
