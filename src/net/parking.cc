#include "net/parking.h"

#include <sys/epoll.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <optional>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/unique_fd.h"
#include "net/watch.h"

namespace sluice::net {
namespace {

using clock = std::chrono::steady_clock;

// So many are resumed in one turn of the loop.
constexpr int resumed_at_once = 64;
constexpr std::chrono::milliseconds pause{1000};  // between two looks at the deadlines

// One for each io_context.
class parking_lot final : public boost::asio::execution_context::service, private watched {
 public:
  using key_type = parking_lot;
  static inline boost::asio::execution_context::id id;

  explicit parking_lot(boost::asio::execution_context& context)
      : service(context), io_(static_cast<boost::asio::io_context&>(context)) {}

  void add(tcp_socket socket, std::unique_ptr<parked> whose, clock::time_point until) {
    if (closed_ || !open()) return;
    boost::system::error_code failed;
    const auto protocol = socket.local_endpoint(failed).protocol();
    if (failed) return;
    base::unique_fd fd(socket.release(failed));
    if (failed) return;
    const std::size_t number = free_place();
    epoll_event wanted{.events = EPOLLIN | EPOLLRDHUP, .data = {.u64 = number}};
    if (::epoll_ctl(ready_->native_handle(), EPOLL_CTL_ADD, fd.get(), &wanted) != 0) {
      base::log_warning("park a connection: {}", fail_errno(errno, "epoll").error().message());
      free_.push_back(number);
      return;
    }
    places_[number] = {std::move(fd), protocol == boost::asio::ip::tcp::v6(), std::move(whose),
                       until};
    if (count_++ == 0) watch_ = watch(io_.get_executor(), *this, pause);
    wait();
  }

  void close() {
    closed_ = true;
    watch_.end();
    ready_.reset();
    count_ = 0;
    free_ = {};
    const auto gone = std::exchange(places_, {});
  }

 private:
  struct place {
    base::unique_fd fd;
    bool is_v6 = false;
    std::unique_ptr<parked> whose;
    clock::time_point until;
  };

  void shutdown() override { close(); }

  bool open() {
    if (ready_) return true;
    const int made = ::epoll_create1(EPOLL_CLOEXEC);
    if (made >= 0) ready_.emplace(io_.get_executor(), made);
    return made >= 0;
  }

  std::size_t free_place() {
    if (free_.empty()) {
      places_.emplace_back();
      return places_.size() - 1;
    }
    const std::size_t number = free_.back();
    free_.pop_back();
    return number;
  }

  place take(std::size_t number) {
    free_.push_back(number);
    if (--count_ == 0) watch_.end();
    return std::exchange(places_[number], {});
  }

  // While there is something to wait for, so that the io_context can end.
  void wait() {
    if (waiting_ || count_ == 0) return;
    waiting_ = true;
    ready_->async_wait(boost::asio::posix::descriptor_base::wait_read,
                       [this](const boost::system::error_code& ended) {
                         waiting_ = false;
                         if (ended || !ready_) return;
                         resume_some();
                         wait();
                       });
  }

  void resume_some() {
    std::array<epoll_event, resumed_at_once> events{};
    const int count = ::epoll_wait(ready_->native_handle(), events.data(), resumed_at_once, 0);
    std::vector<place> woken;
    for (int i = 0; i < count; ++i) {
      woken.push_back(
          take(static_cast<std::size_t>(events.at(static_cast<std::size_t>(i)).data.u64)));
      ::epoll_ctl(ready_->native_handle(), EPOLL_CTL_DEL, woken.back().fd.get(), nullptr);
    }
    for (auto& one : woken) {
      tcp_socket socket(io_.get_executor());
      boost::system::error_code failed;
      const auto protocol = one.is_v6 ? boost::asio::ip::tcp::v6() : boost::asio::ip::tcp::v4();
      socket.assign(protocol, one.fd.get(), failed);
      if (failed) continue;
      (void)one.fd.release();
      one.whose->resume(std::move(socket));
    }
  }

  void look(clock::time_point now) override {
    for (std::size_t number = 0; number < places_.size() && count_ > 0; ++number) {
      if (places_[number].fd && places_[number].until <= now) take(number);
    }
    // The wait goes on without anything to wait for, or the io_context would never end.
    if (count_ == 0 && ready_) ready_->cancel();
  }

  boost::asio::io_context& io_;
  std::optional<boost::asio::posix::basic_stream_descriptor<executor>> ready_;  // the epoll
  std::vector<place> places_;
  std::vector<std::size_t> free_;  // in places_
  std::size_t count_ = 0;
  bool waiting_ = false;
  bool closed_ = false;
  watch watch_;
};

parking_lot& lot_of(boost::asio::execution_context& where) {
  return boost::asio::use_service<parking_lot>(where);
}

}  // namespace

void park(tcp_socket socket, std::unique_ptr<parked> whose, clock::time_point until) {
  auto& lot = lot_of(socket.get_executor().context());
  lot.add(std::move(socket), std::move(whose), until);
}

void close_parked(boost::asio::io_context& where) { lot_of(where).close(); }

}  // namespace sluice::net
