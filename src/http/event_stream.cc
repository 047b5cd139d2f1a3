#include "http/event_stream.h"

#include <algorithm>

#include "http/event_json.h"
#include "http/follower.h"
#include "net/watch.h"

namespace sluice::http {
namespace {

using clock = std::chrono::steady_clock;

// Browsers come again after so long. Who comes again may have missed something: nothing is kept.
constexpr std::string_view opening = "retry: 2000\n\n";
constexpr std::string_view missed = "event: missed\ndata: {\"kind\":\"missed\"}\n\n";
constexpr std::string_view comment = ": still here\n\n";
constexpr std::chrono::milliseconds pause_max{15'000};  // without a word

// Wakes the stream when it is to say something, or to end.
class pulse final : private net::watched {
 public:
  pulse(exchange& now, const service& shared, follower& stream)
      : now_(now),
        shared_(shared),
        stream_(stream),
        pause_(std::min(shared.limits.idle / 2, pause_max)),
        watch_(now.where(), *this, net::pause_for(pause_)) {}

  [[nodiscard]] bool is_over() const {
    return shared_.draining || now_.client_left() || stream_.heard().has_lost_a_right();
  }
  [[nodiscard]] bool is_due() const { return clock::now() - said_ >= pause_; }
  void said() { said_ = clock::now(); }

 private:
  void look(clock::time_point) override {
    if (is_over() || is_due()) stream_.nudge();
  }

  exchange& now_;
  const service& shared_;
  follower& stream_;
  const std::chrono::milliseconds pause_;
  clock::time_point said_ = clock::now();
  const net::watch watch_;
};

struct wish {
  std::string path;
  bool recursive = false;
};

parsed<wish> read_wish(const request& asked) {
  const auto recursive = asked.parameter("recursive").value_or("false");
  if (recursive != "true" && recursive != "false") {
    return std::unexpected(problem(status::bad_request, "recursive is true or false"));
  }
  return wish{std::string(asked.parameter("path").value_or("")), recursive == "true"};
}

std::string lines_of(const transfer::news& what) {
  if (what.missed) return std::string(missed);
  const json told = to_json(what);
  return "id: " + std::to_string(what.what->number) +
         "\nevent: " + told["kind"].get<std::string>() + "\ndata: " + dump(told) + "\n\n";
}

awaitable<result<void>> say(exchange& now, pulse& heart, std::string_view text) {
  heart.said();
  const std::span<const char> bytes(text);
  const auto written = co_await now.write(std::as_bytes(bytes));
  if (!written) co_return written;
  co_return co_await now.push();
}

awaitable<result<void>> tell_all(exchange& now, service& shared, follower& stream) {
  pulse heart(now, shared, stream);
  const std::string first =
      std::string(opening) + (now.asked().has("Last-Event-ID") ? std::string(missed) : "");
  auto sent = co_await say(now, heart, first);
  while (sent) {
    const auto what = stream.heard().next();
    if (!what.is_none()) {
      const auto lines = lines_of(what);
      sent = co_await say(now, heart, lines);
    } else if (heart.is_over()) {
      co_return co_await now.end();
    } else if (heart.is_due()) {
      sent = co_await say(now, heart, comment);
    } else {
      co_await stream.changed();
    }
  }
  co_return sent;
}

}  // namespace

awaitable<result<void>> api_events(exchange& now, service& shared) {
  const auto wanted = read_wish(now.asked());
  if (!wanted) co_return co_await now.refuse(wanted.error());
  const auto here = shared.followers.try_take();
  if (!here) {
    const problem busy(status::service_unavailable, "as many follow this server as may");
    co_return co_await now.refuse(busy);
  }
  const auto stream = follower::make(now.where());
  stream->listen(shared.events);
  const auto followed =
      co_await follow(*stream, shared, now.caller(), wanted->path, wanted->recursive);
  if (!followed) co_return followed;
  response head(status::ok);
  head.add("Content-Type", "text/event-stream").add("Cache-Control", "no-store");
  now.begin(head, std::nullopt);
  if (!now.wants_body()) co_return co_await now.end();
  co_return co_await tell_all(now, shared, *stream);
}

}  // namespace sluice::http
