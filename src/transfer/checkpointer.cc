#include "transfer/checkpointer.h"

#include <algorithm>

#include "transfer/upload.h"

namespace sluice::transfer {

checkpointer::checkpointer(std::size_t threads) {
  for (std::size_t i = 0; i < std::max<std::size_t>(threads, 1); ++i) {
    threads_.emplace_back([this] { serve(); });
  }
}

checkpointer::~checkpointer() { stop(); }

void checkpointer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

void checkpointer::request(std::shared_ptr<upload> wanted) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || std::ranges::find(queue_, wanted) != queue_.end()) return;
    queue_.push_back(std::move(wanted));
  }
  work_.notify_one();
}

void checkpointer::serve() {
  for (;;) {
    std::shared_ptr<upload> next;
    {
      std::unique_lock lock(mutex_);
      work_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      next = std::move(queue_.front());
      queue_.pop_front();
    }
    next->run_checkpoint();
  }
}

}  // namespace sluice::transfer
