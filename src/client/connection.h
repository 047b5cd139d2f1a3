// One connection to a server that speaks the native protocol (docs/wire.md).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "client/request.h"
#include "client/session.h"
#include "client/url.h"
#include "net/message_reader.h"
#include "net/message_writer.h"
#include "net/pace.h"
#include "net/stream.h"
#include "sluice/awaitable.h"
#include "wire/kind.h"

namespace sluice::client {

// Shared by those who use it and its own three coroutines: reader, writer and watchdog. The
// session outlives it. I/O thread only.
//
// The watchdog closes it (timed_out) when for the session's timeout nothing came and nothing could
// be sent; it asks with PING in between, so that a server that is busy with a long sync lives.
class connection : public std::enable_shared_from_this<connection> {
 public:
  // Connects, and exchanges prefaces and HELLO. Errors: cannot_connect, timed_out, unsupported with
  // both ranges of versions, bad_frame where the peer speaks something else, busy, cancelled.
  static awaitable<result<std::shared_ptr<connection>>> open(session& owner, url server);

  connection(session& owner, url server, net::stream peer);
  ~connection();

  // Sends the frame that begins a request. Returns its number; 0 where the connection is lost, and
  // then `handler` has been told already.
  std::uint32_t begin(wire::kind what, const google::protobuf::MessageLite& message,
                      std::shared_ptr<request> handler);
  // A further frame of an open request.
  void send(wire::kind what, std::uint32_t number, const google::protobuf::MessageLite& message);
  // The rest of the reply is skipped, and its handler let go.
  void forget(std::uint32_t number) { open_.erase(number); }

  [[nodiscard]] net::message_writer& writer() noexcept { return writer_; }
  [[nodiscard]] net::message_reader& reader() noexcept { return reader_; }
  [[nodiscard]] session& owner() noexcept { return session_; }
  [[nodiscard]] std::size_t open_requests() const noexcept { return open_.size(); }
  // How many the server allows.
  [[nodiscard]] std::size_t max_requests() const noexcept { return max_requests_; }
  // An optional ability of the server, as its HELLO names them.
  [[nodiscard]] bool has(const std::string& feature) const { return features_.contains(feature); }
  // In a direct transfer: the name of what is sent.
  [[nodiscard]] const std::string& offers() const noexcept { return offers_; }
  [[nodiscard]] bool serves(const url& where) const noexcept {
    return where.host == server_.host && where.port == server_.port &&
           where.always_tls == server_.always_tls;
  }

  [[nodiscard]] bool lost() const noexcept { return lost_.has_value(); }
  // Only where lost().
  [[nodiscard]] const error& why() const noexcept { return *lost_; }
  // Ends it now; open requests are told.
  void close(const error& why);

  // While one exists, it is us who do not read, and the server's silence is not counted.
  class standstill {
   public:
    explicit standstill(connection& of) : of_(of) { ++of_.standing_; }
    ~standstill() { --of_.standing_; }
    standstill(const standstill&) = delete;
    standstill& operator=(const standstill&) = delete;

   private:
    connection& of_;
  };

 private:
  using self = std::shared_ptr<connection>;
  static awaitable<void> read(self me);
  static awaitable<void> write(self me);
  static awaitable<void> watch(self me);
  void spawn(awaitable<void> part);
  awaitable<result<void>> greet();
  awaitable<result<void>> read_preface();
  awaitable<result<void>> read_hello();
  awaitable<result<void>> log_in();
  awaitable<result<void>> dispatch(wire::frame_head head);
  result<void> answer_ping(const wire::frame_head& head, std::span<const std::byte> body);
  awaitable<result<void>> to_request(wire::frame_head head);
  awaitable<void> keep_pace();
  void look_at_silence();
  [[nodiscard]] error named(const error& why) const;

  session& session_;
  const url server_;
  net::stream stream_;
  net::message_reader reader_;
  net::message_writer writer_;
  net::pace pace_;  // of what is read
  std::uint64_t paced_bytes_ = 0;
  steady_timer watch_timer_;
  std::unordered_map<std::uint32_t, std::shared_ptr<request>> open_;
  std::uint32_t next_number_ = 1;
  std::size_t max_requests_ = 1;
  std::set<std::string> features_;
  std::optional<error> lost_;
  unsigned standing_ = 0;
  bool ping_sent_ = false;
  std::uint64_t pings_ = 0;
  std::uint64_t life_seen_ = 0;
  std::chrono::steady_clock::time_point heard_;
  std::string offers_;
};

}  // namespace sluice::client
