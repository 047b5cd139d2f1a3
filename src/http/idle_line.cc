#include "http/idle_line.h"

#include <boost/asio/execution_context.hpp>

namespace sluice::http {
namespace {

// The line gets shorter where more come than go, and nobody pays for all the others.
constexpr int parked_at_once = 2;

class of_context final : public boost::asio::execution_context::service {
 public:
  using key_type = of_context;
  static inline boost::asio::execution_context::id id;

  explicit of_context(boost::asio::execution_context& context) : service(context) {}

  idle_line line;

 private:
  void shutdown() override { line.clear(); }
};

}  // namespace

idle_line& idle_line::of(const executor& where) {
  return boost::asio::use_service<of_context>(where.context()).line;
}

void idle_line::enter(idler& who) {
  line_.push_back(who);
  for (int i = 0; i < parked_at_once && line_.size() > awake_max; ++i) {
    auto& first = line_.front();
    if (who.idle_since() - first.idle_since() < awake_at_least) break;
    line_.pop_front();
    first.go_parking();
  }
}

void idle_line::leave(idler& who) noexcept {
  if (who.is_linked()) line_.erase(line_.iterator_to(who));
}

}  // namespace sluice::http
