// A server for tests of the client: a few files in memory, and faults on demand. Blocking, a thread
// a connection, on a loopback port that the kernel picks.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "client/url.h"
#include "wire/frame_head.h"
#include "wire/preface.h"
#include "wire/sluice.pb.h"

namespace sluice::client {

// What it does wrong. Counters count down, under the server's lock.
struct faults {
  wire::server_answer answer{.chosen = 1, .spoken = {.lowest = 1, .highest = 1}};
  int damaged_blocks = 0;            // BLOCKs that go out with one bit flipped
  int refused_blocks = 0;            // BLOCKs that are answered BLOCK_REFUSED
  int losses = 0;                    // connections that are cut...
  int blocks_before_loss = 1;        // ...behind so many BLOCKs, of either direction
  int blocks_before_silence = -1;    // behind so many BLOCKs of its own it says nothing more
  bool loses_finish_answer = false;  // publishes, and cuts the connection instead of PUT_DONE, once
  bool silent = false;               // reads and answers nothing behind HELLO
  bool exists_at_finish = false;     // somebody else is faster
  int accept_closes = 0;             // connections that are closed before the preface
  std::function<void()> before_get;  // what happens when a GET came, under the server's lock
};

struct fake_file {
  std::string content;
  std::int64_t mtime_ns = 0;
  bool executable = false;
  std::uint64_t version = 0;  // its identity
};

class fake_server {
 public:
  fake_server();
  ~fake_server();
  fake_server(const fake_server&) = delete;
  fake_server& operator=(const fake_server&) = delete;

  [[nodiscard]] url at(const std::string& path) const;
  void set(const std::string& path, std::string content);
  [[nodiscard]] std::optional<fake_file> file(const std::string& path) const;
  void inject(const std::function<void(faults&)>& change);
  // Entries that a listing tells besides the files, in front: whatever they are.
  void add_entry(const std::string& path, bool folder);

  [[nodiscard]] int connections() const noexcept { return connections_; }
  [[nodiscard]] int blocks_received() const noexcept { return blocks_received_; }
  [[nodiscard]] int blocks_sent() const noexcept { return blocks_sent_; }
  [[nodiscard]] std::vector<std::string> folders() const;

 private:
  friend class fake_peer;
  struct upload;

  void accept_all();

  int listener_ = -1;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  faults faults_;
  std::map<std::string, fake_file> files_;
  std::vector<v1::Entry> extra_;
  std::vector<std::string> folders_;
  std::map<std::string, std::shared_ptr<upload>> uploads_;
  std::uint64_t next_version_ = 1;
  std::vector<int> sockets_;
  std::vector<std::thread> threads_;
  std::atomic<bool> ending_ = false;
  std::atomic<int> connections_ = 0;
  std::atomic<int> blocks_received_ = 0;
  std::atomic<int> blocks_sent_ = 0;
  std::thread acceptor_;
};

}  // namespace sluice::client
