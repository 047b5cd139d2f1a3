#include "net/watch.h"

#include <algorithm>

namespace sluice::net {

namespace {

// So many are looked at in one turn of the loop: where thousands are to be closed at once, the
// others are served in between.
constexpr int looks_at_once = 128;

}  // namespace

// One for each io_context. Its timer runs while somebody is watched.
class watch::list : public boost::asio::execution_context::service {
 public:
  using key_type = list;
  static inline boost::asio::execution_context::id id;

  explicit list(boost::asio::execution_context& context)
      : service(context), timer_(std::in_place, static_cast<boost::asio::io_context&>(context)) {}

  std::list<watched*>::iterator add(watched& object, std::chrono::milliseconds pause) {
    const bool sooner = pause < pause_;
    pause_ = std::min(pause_, pause);
    const auto place = all_.insert(all_.end(), &object);
    if (all_.size() == 1 || sooner) set_timer(pause_);
    return place;
  }

  void remove(std::list<watched*>::iterator place) noexcept {
    if (place == next_) ++next_;
    all_.erase(place);
    if (all_.empty() && timer_) timer_->cancel();
  }

 private:
  void shutdown() override { timer_.reset(); }

  void set_timer(std::chrono::milliseconds after) {
    if (!timer_) return;
    timer_->expires_after(after);
    timer_->async_wait([this](const boost::system::error_code& cancelled) {
      if (!cancelled) look();
    });
  }

  // Goes on where the last turn stopped, if that was not the end.
  void look() {
    const auto now = std::chrono::steady_clock::now();
    if (next_ == all_.end()) next_ = all_.begin();
    for (int looks = 0; next_ != all_.end() && looks < looks_at_once; ++looks) {
      (*next_++)->look(now);
    }
    if (all_.empty()) return;
    set_timer(next_ == all_.end() ? pause_ : std::chrono::milliseconds(0));
  }

  std::optional<steady_timer> timer_;
  std::chrono::milliseconds pause_{1000};  // the shortest that anybody asked for
  std::list<watched*> all_;
  std::list<watched*>::iterator next_ = all_.end();  // whose turn it is; the end: a new round
};

watch::watch(const executor& where, watched& object, std::chrono::milliseconds pause)
    : list_(&boost::asio::use_service<list>(where.context())), place_(list_->add(object, pause)) {}

void watch::end() noexcept {
  if (list_ != nullptr) std::exchange(list_, nullptr)->remove(place_);
}

}  // namespace sluice::net
