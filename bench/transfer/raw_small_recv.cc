// raw_small_recv connect:PORT|listen:PORT FOLDER [--streams=N] [--direct] [--sync]
//
// Receives what raw_small_send sends, over N connections (default 1), and makes the files in
// FOLDER: each is written without a name, and gets it then. --direct goes past the page cache where
// a file's size allows it. --sync keeps the order of a durable
// upload: content, sync, name, sync, where one sync serves a group's content and the names of the
// group before.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "raw_small.h"
#include "raw_streams.h"

namespace {

struct settings : raw::receiving {
  const char* path = nullptr;
};

settings parse(const std::vector<std::string_view>& arguments, char** argv) {
  if (arguments.size() < 2) {
    raw::die(
        "usage: raw_small_recv connect:PORT|listen:PORT FOLDER [--streams=N] [--direct] [--sync]");
  }
  return {raw::parse_receiving(std::span(arguments).subspan(2)), argv[2]};
}

struct nameless_file {
  int file = -1;
  int folder = -1;
  std::string name;
};

void give_name(const nameless_file& one) {
  if (linkat(one.file, "", one.folder, one.name.c_str(), AT_EMPTY_PATH) != 0) raw::die(one.name);
  if (close(one.file) != 0) raw::die("close a file");
}

// Takes written files in groups, syncs, and gives them their names.
class syncer {
 public:
  explicit syncer(int root) : root_(root), thread_([this] { serve(); }) {}

  void add(nameless_file one) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return waiting_.size() < waiting_max; });
    waiting_.push_back(std::move(one));
    if (waiting_.size() == 1) work_.notify_one();
  }

  // All are durable under their names then.
  void end() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    work_.notify_one();
    thread_.join();
  }

 private:
  static constexpr std::size_t waiting_max = 1'024;

  void serve() {
    for (;;) {
      std::vector<nameless_file> now;
      {
        std::unique_lock lock(mutex_);
        work_.wait(lock, [this] { return ended_ || !waiting_.empty(); });
        now.swap(waiting_);
      }
      room_.notify_all();
      if (syncfs(root_) != 0) raw::die("sync");
      if (now.empty()) return;
      for (const auto& one : now) give_name(one);
    }
  }

  int root_;
  std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable room_;
  std::vector<nameless_file> waiting_;
  bool ended_ = false;
  std::thread thread_;
};

class receiver {
 public:
  receiver(int root, int socket, bool direct, syncer* syncs)
      : root_(root),
        socket_(socket),
        direct_(direct),
        syncs_(syncs),
        heads_(raw::small_piece_bytes) {}

  void run() {
    raw::small_piece piece;
    while (recv(socket_, &piece, sizeof piece, MSG_PEEK) > 0) {
      raw::recv_all(socket_, &piece, sizeof piece);
      if (std::max(piece.head_bytes, piece.content_bytes) > raw::small_piece_bytes) {
        raw::die("receive: a broken stream");
      }
      raw::recv_all(socket_, heads_.data(), piece.head_bytes);
      raw::recv_all(socket_, contents_.get(), piece.content_bytes);
      make_all(piece.files);
    }
  }

 private:
  void make_all(std::uint32_t files) {
    const char* next = heads_.data();
    std::size_t content_at = 0;
    for (std::uint32_t i = 0; i < files; ++i) {
      raw::small_head head;
      std::memcpy(&head, next, sizeof head);
      const std::string_view folder(next + sizeof head, head.folder_bytes);
      const std::string_view name(folder.data() + folder.size(), head.name_bytes);
      next = name.data() + name.size();
      enter(folder);
      make(name, {contents_.get() + content_at, head.size_bytes}, head.mtime_ns);
      content_at = raw::aligned_from(content_at + head.size_bytes);
    }
  }

  // Folders stay open: their files have no names yet.
  void enter(std::string_view folder) {
    if (folder == folder_name_) return;
    folder_name_ = folder;
    if (mkdirat(root_, folder_name_.c_str(), 0777) != 0) raw::die(folder_name_);
    folder_ = openat(root_, folder_name_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_ < 0) raw::die(folder_name_);
  }

  void make(std::string_view name, std::string_view content, std::int64_t mtime_ns) {
    const bool direct = direct_ && content.size() % raw::align_bytes == 0;
    const int flags = O_TMPFILE | O_WRONLY | O_CLOEXEC | (direct ? O_DIRECT : 0);
    const int file = openat(folder_, ".", flags, 0666);
    if (file < 0) raw::die("make a file");
    if (pwrite(file, content.data(), content.size(), 0) != static_cast<ssize_t>(content.size())) {
      raw::die("write");
    }
    const struct timespec times[2] = {
        {.tv_sec = 0, .tv_nsec = UTIME_OMIT},
        {.tv_sec = mtime_ns / 1'000'000'000, .tv_nsec = mtime_ns % 1'000'000'000}};
    if (futimens(file, times) != 0) raw::die("set the time");
    nameless_file made{.file = file, .folder = folder_, .name = std::string(name)};
    if (syncs_ != nullptr) {
      syncs_->add(std::move(made));
    } else {
      give_name(made);
    }
  }

  int root_;
  int socket_;
  bool direct_;
  syncer* syncs_;
  std::vector<char> heads_;
  std::unique_ptr<char, decltype(&std::free)> contents_{
      static_cast<char*>(std::aligned_alloc(raw::align_bytes, raw::small_piece_bytes)), &std::free};
  std::string folder_name_;
  int folder_ = -1;
};

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  const settings chosen = parse(arguments, argv);
  const int root = open(chosen.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) raw::die(arguments[1]);
  const auto sockets = raw::open_connections(arguments[0], chosen.streams);
  {
    std::optional<syncer> syncs;
    if (chosen.sync) syncs.emplace(root);
    std::vector<std::jthread> receivers;
    receivers.reserve(sockets.size());
    for (const int socket : sockets) {
      receivers.emplace_back(
          [&, socket] { receiver(root, socket, chosen.direct, syncs ? &*syncs : nullptr).run(); });
    }
    receivers.clear();  // joins
    if (syncs) syncs->end();
  }
  for (const int socket : sockets) {
    if (close(socket) != 0) raw::die("close the connection");
  }
  return 0;
}
