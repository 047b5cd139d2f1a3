#include "base/spare_bytes.h"

#include <mutex>
#include <utility>

namespace sluice::base {

class spare_bytes::kept {
 public:
  kept(std::size_t count_max, std::size_t bytes_max)
      : count_max_(count_max), bytes_max_(bytes_max) {
    all_.reserve(count_max);
  }

  std::vector<std::byte> take() {
    const std::lock_guard lock(mutex_);
    if (all_.empty()) return {};
    auto spare = std::move(all_.back());
    all_.pop_back();
    return spare;
  }

  void give_back(std::vector<std::byte> spare) noexcept {
    if (spare.capacity() > bytes_max_) return;
    spare.clear();
    const std::lock_guard lock(mutex_);
    if (all_.size() < count_max_) all_.push_back(std::move(spare));
  }

 private:
  const std::size_t count_max_;
  const std::size_t bytes_max_;
  std::mutex mutex_;
  std::vector<std::vector<std::byte>> all_;
};

spare_bytes::spare_bytes(std::size_t count_max, std::size_t bytes_max)
    : kept_(std::make_shared<kept>(count_max, bytes_max)) {}

spare_bytes::~spare_bytes() = default;

std::vector<std::byte> spare_bytes::take() { return kept_->take(); }

std::shared_ptr<const std::vector<std::byte>> spare_bytes::lend(std::vector<std::byte> content) {
  struct lent {
    lent(std::shared_ptr<kept> to, std::vector<std::byte> what)
        : home(std::move(to)), bytes(std::move(what)) {}
    ~lent() { home->give_back(std::move(bytes)); }
    lent(const lent&) = delete;
    lent& operator=(const lent&) = delete;
    std::shared_ptr<kept> home;
    std::vector<std::byte> bytes;
  };
  auto reads = std::make_shared<lent>(kept_, std::move(content));
  return {reads, &reads->bytes};
}

}  // namespace sluice::base
