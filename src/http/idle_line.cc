#include "http/idle_line.h"

#include <boost/asio/execution_context.hpp>

namespace sluice::http {
namespace {

// The line gets shorter where more come than go, and nobody pays for all the others.
constexpr int parked_at_once = 2;

// One for each io_context.
class idle_line final : public boost::asio::execution_context::service {
 public:
  using key_type = idle_line;
  static inline boost::asio::execution_context::id id;

  explicit idle_line(boost::asio::execution_context& context) : service(context) {}

  void enter(idler& who) {
    line_.push_back(who);
    for (int i = 0; i < parked_at_once && line_.size() > awake_max; ++i) {
      auto& first = line_.front();
      if (who.idle_since() - first.idle_since() < awake_at_least) break;
      line_.pop_front();
      first.go_parking();
    }
  }

  void leave(idler& who) noexcept {
    if (who.is_linked()) line_.erase(line_.iterator_to(who));
  }

 private:
  void shutdown() override { line_.clear(); }

  boost::intrusive::list<idler> line_;
};

}  // namespace

void enter_line(const executor& where, idler& who) {
  boost::asio::use_service<idle_line>(where.context()).enter(who);
}

void leave_line(const executor& where, idler& who) noexcept {
  boost::asio::use_service<idle_line>(where.context()).leave(who);
}

}  // namespace sluice::http
