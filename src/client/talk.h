// A conversation about a file or a folder on a server: what `sluice chat` and `sluice notes` do,
// without the terminal.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "client/client.h"

namespace sluice::client {

struct talk_message {
  std::string path{};
  std::uint64_t id = 0;       // ascends with time
  std::uint64_t version = 0;  // another one after each change
  std::string author{};
  bool guest = false;
  bool mine = false;
  std::int64_t time_ms = 0;  // since 1970-01-01 UTC
  std::string text{};
  std::optional<std::uint64_t> at_ms{};  // in the film
  std::optional<std::uint64_t> until_ms{};
  std::optional<std::uint64_t> reply_to{};
  bool resolved = false;
  bool edited = false;
  bool deleted = false;
};

struct talk_person {
  std::string name;
  bool guest = false;
};

// Something to be done in the room; done once, in the order in which they were given.
struct talk_wish {
  std::string text{};  // to say; or empty:
  std::optional<std::uint64_t> at_ms{};
  std::optional<std::uint64_t> reply_to{};
  std::optional<std::uint64_t> resolve{};  // the id of a message
};

struct talk_options : session_options {
  std::string name;            // of a guest
  std::uint64_t history = 50;  // messages that are told first
  bool comes_again = false;    // whatever happens to the connection; else a few times
};

// Told on the thread of `conversation::run`; short, throws nothing.
class talk_observer {
 public:
  talk_observer() = default;
  talk_observer(const talk_observer&) = delete;
  talk_observer& operator=(const talk_observer&) = delete;
  virtual ~talk_observer() = default;

  // Each version of a message once, in the server's order.
  virtual void on_message(const talk_message& what) = 0;
  virtual void on_people(const std::vector<talk_person>& some, std::uint64_t count) = 0;
  virtual void on_typing(const std::string& name) = 0;
  virtual void on_moved(const std::string& path) = 0;
  // It was not done, and will not be.
  virtual void on_refused(const talk_wish& wish, const error& why) = 0;
  // The connection is gone, and another one is tried; it is there.
  virtual void on_lost(const error& why) = 0;
  virtual void on_back() = 0;
};

// Owned by whoever runs it; `watcher` outlives it.
class conversation {
 public:
  static constexpr std::size_t waiting_max = 1024;  // wishes that are not done yet

  conversation(url room, talk_options options, talk_observer& watcher);
  ~conversation();
  conversation(const conversation&) = delete;
  conversation& operator=(const conversation&) = delete;

  // Until a stop (cancelled), or until `finish` and all is durable. Once.
  //   not_allowed, not_found; unsupported: the server is too old; and what connecting fails with
  [[nodiscard]] result<void> run();

  // Any thread.
  void add(talk_wish wish);  // waits while as many wait as may
  void say_typing();
  // It ends once all that was given is done.
  void finish();

 private:
  class work;
  struct waiting;

  const url room_;
  const talk_options options_;
  talk_observer& watcher_;
  const std::shared_ptr<waiting> waiting_;
};

// All that was said, the oldest first; deleted messages are left away.
[[nodiscard]] result<std::vector<talk_message>> read_conversation(const url& room,
                                                                  const session_options& options);

}  // namespace sluice::client
