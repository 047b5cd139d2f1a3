// Requests that are answered by one frame, and what is asked of them most.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "client/connection.h"
#include "client/local_file.h"
#include "client/request.h"
#include "wire/message.h"
#include "wire/sluice.pb.h"

namespace sluice::client {

// What a server told about a file or folder.
struct remote_entry {
  std::string path;  // on the server, or in a listing below the listed folder
  bool folder = false;
  bool executable = false;
  std::uint64_t size_bytes = 0;
  std::int64_t mtime_ns = 0;
  std::string identity;  // opaque
};

// Refuses (bad_frame) sizes that no file has.
[[nodiscard]] result<remote_entry> to_entry(const v1::Entry& told);

// What a PUT says so that it takes this file's place, and no other's.
[[nodiscard]] v1::Replace replace_of(const remote_entry& file);

// A PUT of a file to `path` and the folders on the way to it.
[[nodiscard]] v1::Put put_of(const std::string& path, const file_facts& facts,
                             const std::optional<v1::Replace>& replace);

// "WHAT: what the error says".
[[nodiscard]] error about(const error& why, std::string_view what);

// Whether the failure is of the connection and not of the request: another one may help.
[[nodiscard]] bool is_of_connection(const error& why) noexcept;

// Waits for the one frame of a reply.
class single_reply final : public request {
 public:
  single_reply(const executor& where, wire::kind expected) : expected_(expected), over_(where) {}
  result<void> on_message(const wire::frame_head& head, std::span<const std::byte> body) override;
  void on_failed(const error& why, bool lost) override;
  awaitable<result<std::string>> body();

 private:
  wire::kind expected_;
  net::signal over_;
  std::optional<result<std::string>> outcome_;
};

// Sends `message` as a request and gives back the frame that answers it.
template <class Reply, class Message>
awaitable<result<Reply>> ask(std::shared_ptr<connection> of, wire::kind what, Message message,
                             wire::kind reply) {
  auto waiting = std::make_shared<single_reply>(of->owner().where(), reply);
  of->begin(what, message, waiting);
  auto body = co_await waiting->body();
  if (!body) co_return std::unexpected(std::move(body.error()));
  co_return wire::parse_message<Reply>(reply, std::as_bytes(std::span(*body)));
}

// `attempt(connection)` again and again until it succeeds, or fails by what is none of the
// connection's, or the patience is at its end. `attempt` gives an awaitable<result<T>>, is no
// coroutine itself, and stays the caller's.
template <class Attempt>
auto over_connections(session& owner, url server, const Attempt& attempt)
    -> decltype(attempt(std::shared_ptr<connection>())) {
  patience patient(owner);
  for (;;) {
    error why;
    auto by = co_await owner.open(server);
    if (by) {
      auto outcome = co_await attempt(*by);
      owner.give_back(std::move(*by));
      if (outcome || !is_of_connection(outcome.error())) co_return outcome;
      why = std::move(outcome.error());
    } else {
      why = std::move(by.error());
    }
    const bool again = co_await patient.once_more(why);
    if (!again) co_return std::unexpected(std::move(why));
  }
}

// nullopt: there is nothing of that name.
awaitable<result<std::optional<remote_entry>>> stat(std::shared_ptr<connection> of,
                                                    std::string path);

}  // namespace sluice::client
