// The answer to who is not served.
#include <algorithm>

#include "native/session.h"
#include "net/message_reader.h"
#include "net/path_tuning.h"
#include "net/watch.h"
#include "wire/error_message.h"
#include "wire/preface.h"

namespace sluice::native {
namespace {

// Cuts the stream when the time for it is over.
class deadline final : private net::watched {
 public:
  deadline(net::stream& of, std::chrono::milliseconds limit)
      : of_(of),
        end_(std::chrono::steady_clock::now() + limit),
        watch_(of.get_executor(), *this, net::pause_for(limit)) {}

 private:
  void look(std::chrono::steady_clock::time_point now) override {
    if (now >= end_) of_.cut();
  }

  net::stream& of_;
  const std::chrono::steady_clock::time_point end_;
  const net::watch watch_;
};

awaitable<result<void>> send_all(net::stream& to, std::vector<std::byte> bytes) {
  std::span<const std::byte> left = bytes;
  while (!left.empty()) {
    const auto sent = to.send(left, {}, false);
    if (!sent) co_return std::unexpected(sent.error());
    left = left.subspan(*sent);
    if (*sent > 0) continue;
    auto [failed] = co_await to.writable();
    if (failed) co_return fail(errc::cancelled, "wait to send");
  }
  co_return result<void>{};
}

// Closing a socket with unread bytes would throw away the answer on its way.
awaitable<void> drop_until_closed(net::stream& from) {
  for (;;) {
    const auto got = from.drop();
    if (!got) co_return;
    (void)from.begin_wait(1);
    auto [failed] = co_await from.readable();
    if (failed) co_return;
  }
}

}  // namespace

// Not a session: it says two things and goes. What the client sends is not read, but for the
// preface.
awaitable<void> refuse(net::stream client, service& shared, error why) {
  net::tune(client.socket());
  const deadline until(client, shared.limits.handshake);
  net::message_reader reader(client, wire::side::client);
  const auto preface = co_await reader.raw(wire::preface_bytes);
  if (!preface) co_return;
  const auto asked = wire::parse_client_preface(preface->first<wire::preface_bytes>());
  if (!asked) co_return;
  const auto answer = wire::encode_server_preface(wire::answer_to(*asked));
  std::vector<std::byte> bytes(answer.begin(), answer.end());
  wire::append_error(bytes, 0, why);
  auto sending = send_all(client, std::move(bytes));
  const auto sent = co_await std::move(sending);
  if (!sent) co_return;
  client.end_sending();
  co_await drop_until_closed(client);
}

}  // namespace sluice::native
