// raw_small_send connect:PORT|listen:PORT FOLDER [STREAMS]
//
// Sends the files in the folders of FOLDER, each folder's over one of STREAMS connections.
#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "raw_small.h"
#include "raw_streams.h"

namespace {

std::vector<std::string> names_in(int folder) {
  const int own = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* reader = own < 0 ? nullptr : fdopendir(own);
  if (reader == nullptr) raw::die("read a folder");
  std::vector<std::string> names;
  while (const auto* each = readdir(reader)) {
    if (each->d_name[0] != '.') names.emplace_back(each->d_name);
  }
  closedir(reader);
  return names;
}

class sender {
 public:
  sender(int root, int socket) : root_(root), socket_(socket), contents_(raw::small_piece_bytes) {}

  void send_folder(const std::string& path) {
    const int folder = openat(root_, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) raw::die(path);
    for (const auto& name : names_in(folder)) add(folder, path, name);
    if (close(folder) != 0) raw::die("close a folder");
  }

  // The receiver closes once all files have their names.
  void end() {
    flush();
    if (shutdown(socket_, SHUT_WR) != 0) raw::die("shutdown");
    char none = 0;
    if (recv(socket_, &none, sizeof none, 0) != 0) raw::die("wait for the receiver");
    if (close(socket_) != 0) raw::die("close");
  }

 private:
  void add(int folder, const std::string& path, const std::string& name) {
    const int file = openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    struct stat status{};
    if (file < 0 || fstat(file, &status) != 0) raw::die(name);
    const auto size_bytes = static_cast<std::uint64_t>(status.st_size);
    if (used_ + size_bytes > contents_.size()) flush();
    const raw::small_head head{
        .folder_bytes = static_cast<std::uint32_t>(path.size()),
        .name_bytes = static_cast<std::uint32_t>(name.size()),
        .size_bytes = size_bytes,
        .mtime_ns = status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec};
    heads_.append(reinterpret_cast<const char*>(&head), sizeof head).append(path).append(name);
    const ssize_t got = read(file, contents_.data() + used_, contents_.size() - used_);
    if (got != status.st_size || close(file) != 0) raw::die("read a file of at most one piece");
    used_ = raw::aligned_from(used_ + size_bytes);
    ++files_;
  }

  void flush() {
    const raw::small_piece piece{.files = files_,
                                 .head_bytes = static_cast<std::uint32_t>(heads_.size()),
                                 .content_bytes = static_cast<std::uint32_t>(used_)};
    raw::send_all(socket_, &piece, sizeof piece);
    raw::send_all(socket_, heads_.data(), heads_.size());
    raw::send_all(socket_, contents_.data(), used_);
    heads_.clear();
    used_ = 0;
    files_ = 0;
  }

  int root_;
  int socket_;
  std::uint32_t files_ = 0;
  std::string heads_;
  std::vector<char> contents_;
  std::size_t used_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  if (arguments.size() < 2) {
    raw::die("usage: raw_small_send connect:PORT|listen:PORT FOLDER [STREAMS]");
  }
  const auto streams = arguments.size() > 2 ? static_cast<unsigned>(raw::number(arguments[2])) : 1U;

  const int root = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) raw::die(arguments[1]);
  const auto folders = names_in(root);
  const auto sockets = raw::open_connections(arguments[0], streams);

  std::vector<std::jthread> senders;
  senders.reserve(streams);
  for (unsigned i = 0; i < streams; ++i) {
    senders.emplace_back([&, i] {
      sender mine(root, sockets[i]);
      for (auto next = std::size_t{i}; next < folders.size(); next += streams) {
        mine.send_folder(folders[next]);
      }
      mine.end();
    });
  }
  senders.clear();  // joins
  return 0;
}
