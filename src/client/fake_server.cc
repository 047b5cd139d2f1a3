#include "client/fake_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "base/digest.h"
#include "base/limits.h"
#include "client/blocks.h"
#include "client/names.h"
#include "wire/block_head.h"
#include "wire/entry.h"
#include "wire/error_message.h"
#include "wire/message.h"

namespace sluice::client {

struct fake_server::upload {
  v1::Put opened;
  std::string content;
  std::map<std::uint64_t, std::size_t> held;  // block -> bytes
  bool done = false;
};

namespace {

struct cut {};      // thrown to end a connection
struct silence {};  // thrown to say nothing more

std::span<const std::byte> bytes_of_text(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::string digests_of(const std::string& content, std::uint64_t first, std::uint64_t count) {
  std::string digests;
  const auto end = std::min(first + count, blocks_of(content.size()));
  for (auto block = first; block < end; ++block) {
    const auto bytes =
        bytes_of_text(content).subspan(offset_of(block), bytes_of(block, content.size()));
    wire::append_digest(digests, base::digest_of(bytes));
  }
  return digests;
}

}  // namespace

// One connection.
class fake_peer {
 public:
  fake_peer(fake_server& owner, int fd) : owner_(owner), fd_(fd) {}

  void run() {
    wire::preface theirs;
    receive(theirs);
    faults now;
    {
      const std::lock_guard lock(owner_.mutex_);
      now = owner_.faults_;
    }
    const auto ours = wire::encode_server_preface(now.answer);
    send_all(ours);
    if (now.answer.chosen == 0) return;
    v1::Hello hello;
    hello.set_block_bytes(base::block_bytes);
    hello.set_max_control_bytes(wire::max_control_body_bytes);
    hello.set_max_requests(64);
    send(wire::kind::hello, 0, wire::no_flags, hello);
    for (;;) {
      std::array<std::byte, wire::head_bytes> bytes{};
      receive(bytes);
      const auto head = wire::parse_head(bytes, wire::side::client);
      if (!head) throw cut{};
      std::vector<std::byte> body(head->body_bytes);
      receive(body);
      if (now.silent) continue;
      try {
        answer(*head, body);
      } catch (const silence&) {
        now.silent = true;
      }
    }
  }

 private:
  template <class Message>
  static Message parse(const wire::frame_head& head, std::span<const std::byte> body) {
    auto message = wire::parse_message<Message>(head.kind, body);
    if (!message) throw cut{};
    return *message;
  }

  void answer(const wire::frame_head& head, std::span<const std::byte> body) {
    const std::lock_guard lock(owner_.mutex_);
    switch (head.kind) {
      case wire::kind::hello: return;
      case wire::kind::ping: return pong(head, body);
      case wire::kind::stat: return on_stat(head, parse<v1::Stat>(head, body));
      case wire::kind::list: return on_list(head, parse<v1::List>(head, body));
      case wire::kind::get: return on_get(head, parse<v1::Get>(head, body));
      case wire::kind::digests: return on_digests(head, parse<v1::Digests>(head, body));
      case wire::kind::put: return on_put(head, parse<v1::Put>(head, body));
      case wire::kind::block: return on_block(head, body);
      case wire::kind::checkpoint: return tell_durable(head.request);
      case wire::kind::put_finish: return on_finish(head, parse<v1::PutFinish>(head, body));
      case wire::kind::put_leave:
      case wire::kind::put_abort:
        puts_.erase(head.request);
        return send(wire::kind::ok, head.request, wire::last, v1::Ok());
      case wire::kind::make_folder: {
        const auto message = parse<v1::MakeFolder>(head, body);
        owner_.folders_.push_back(message.path());
        return send(wire::kind::entry, head.request, wire::last,
                    wire::folder_entry(message.path(), message.mtime_ns()));
      }
      case wire::kind::remove:
      case wire::kind::rename: return fail_with(head, errc::not_allowed, "read only");
      default: throw cut{};
    }
  }

  void pong(const wire::frame_head& head, std::span<const std::byte> body) {
    std::vector<std::byte> out;
    static_cast<void>(
        wire::append_frame(out, wire::kind::pong, head.request, wire::no_flags, body));
    send_all(out);
  }

  void fail_with(const wire::frame_head& head, errc code, std::string text) {
    std::vector<std::byte> out;
    wire::append_error(out, head.request, error{.code = code, .context = std::move(text)});
    send_all(out);
  }

  v1::Entry entry_of(const std::string& path, const fake_file& file) {
    return wire::file_entry(path, file.content.size(), file.mtime_ns, file.executable,
                            std::to_string(file.version));
  }

  const fake_file* find(const std::string& path) {
    const auto found = owner_.files_.find(path);
    return found == owner_.files_.end() ? nullptr : &found->second;
  }

  bool is_folder(const std::string& path) {
    if (path.empty()) return true;
    return std::ranges::any_of(
        owner_.files_, [&](const auto& each) { return each.first.starts_with(path + "/"); });
  }

  void on_stat(const wire::frame_head& head, const v1::Stat& message) {
    if (const auto* file = find(message.path())) {
      return send(wire::kind::entry, head.request, wire::last, entry_of(message.path(), *file));
    }
    if (!is_folder(message.path())) return fail_with(head, errc::not_found, message.path());
    send(wire::kind::entry, head.request, wire::last, wire::folder_entry(message.path(), 0));
  }

  void on_list(const wire::frame_head& head, const v1::List& message) {
    std::vector<v1::Entry> entries = owner_.extra_;
    const auto base = message.path().empty() ? "" : message.path() + "/";
    for (const auto& [path, file] : owner_.files_) {
      if (!path.starts_with(base)) continue;
      const auto below = path.substr(base.size());
      for (auto slash = below.find('/'); slash != std::string::npos;
           slash = below.find('/', slash + 1)) {
        entries.push_back(wire::folder_entry(below.substr(0, slash), 0));
      }
      entries.push_back(entry_of(below, file));
    }
    const auto less = [](const v1::Entry& left, const v1::Entry& right) {
      return path_less(left.path(), right.path());
    };
    std::ranges::sort(entries, less);
    const auto same = std::ranges::unique(
        entries, [](const v1::Entry& l, const v1::Entry& r) { return l.path() == r.path(); });
    entries.erase(same.begin(), same.end());
    v1::Entries reply;
    for (const auto& entry : entries) {
      if (!message.after().empty() && !path_less(message.after(), entry.path())) continue;
      *reply.add_entries() = entry;
      if (reply.entries_size() < 100) continue;  // small portions: the seams are to be met
      send(wire::kind::entries, head.request, wire::no_flags, reply);
      reply.clear_entries();
    }
    send(wire::kind::entries, head.request, wire::last, reply);
  }

  void on_get(const wire::frame_head& head, const v1::Get& message) {
    if (owner_.faults_.before_get) owner_.faults_.before_get();
    const auto* file = find(message.path());
    if (file == nullptr) return fail_with(head, errc::not_found, message.path());
    if (!message.if_identity().empty() && message.if_identity() != std::to_string(file->version)) {
      return fail_with(head, errc::changed, message.path());
    }
    v1::Content content;
    *content.mutable_entry() = entry_of(message.path(), *file);
    send(wire::kind::content, head.request, wire::no_flags, content);
    auto ranges = message.ranges();
    if (ranges.empty()) ranges.Add()->set_length(file->content.size());
    for (const auto& range : ranges) {
      const auto end = range.offset() + range.length();
      for (auto at = range.offset(); at < end;) {
        const auto stop = std::min(end, offset_of(at / base::block_bytes + 1));
        send_block(head.request, at, file->content.substr(at, stop - at));
        at = stop;
      }
    }
    send(wire::kind::content_end, head.request, wire::last, v1::Ok());
  }

  void send_block(std::uint32_t request, std::uint64_t offset, std::string payload) {
    lose_sometimes();
    if (owner_.faults_.blocks_before_silence == owner_.blocks_sent_) throw silence{};
    const auto digest = base::digest_of(bytes_of_text(payload));
    if (owner_.faults_.damaged_blocks > 0) {
      --owner_.faults_.damaged_blocks;
      payload.back() = static_cast<char>(payload.back() ^ 1);
    }
    const auto front = wire::encode_block_frame_head(request, wire::no_flags, {offset, digest},
                                                     static_cast<std::uint32_t>(payload.size()));
    send_all(*front);
    send_all(bytes_of_text(payload));
    ++owner_.blocks_sent_;
  }

  // Cuts the connection where that is due.
  void lose_sometimes() {
    if (owner_.faults_.losses == 0 || blocks_++ < owner_.faults_.blocks_before_loss) return;
    --owner_.faults_.losses;
    throw cut{};
  }

  void on_digests(const wire::frame_head& head, const v1::Digests& message) {
    v1::DigestRun reply;
    const auto count = message.block_count() > 0 ? message.block_count() : std::uint64_t{1} << 40;
    if (!message.upload_id().empty()) {
      const auto found = owner_.uploads_.find(message.upload_id());
      if (found == owner_.uploads_.end()) return fail_with(head, errc::not_found, "upload");
      for (const auto& [block, bytes] : found->second->held) {
        if (block < message.first_block() || block >= message.first_block() + count) continue;
        reply.set_first_block(block);
        reply.set_digests("");
        wire::append_digest(
            *reply.mutable_digests(),
            base::digest_of(
                bytes_of_text(found->second->content).subspan(offset_of(block), bytes)));
        send(wire::kind::digest_run, head.request, wire::no_flags, reply);
      }
      return send(wire::kind::digest_run, head.request, wire::last, v1::DigestRun());
    }
    const auto* file = find(message.path());
    if (file == nullptr) return fail_with(head, errc::not_found, message.path());
    reply.set_first_block(message.first_block());
    reply.set_digests(digests_of(file->content, message.first_block(), count));
    if (message.source() == v1::CONTENT) reply.set_recorded(reply.digests());
    *reply.mutable_entry() = entry_of(message.path(), *file);
    send(wire::kind::digest_run, head.request, wire::last, reply);
  }

  void on_put(const wire::frame_head& head, const v1::Put& message) {
    auto& place = puts_[head.request];
    if (!message.upload_id().empty()) {
      place = owner_.uploads_.at(message.upload_id());
      if (place->done) return send_done(head.request, *place);
    } else if (const auto* there = find(message.path());
               there != nullptr && message.replace().size_bytes() != there->content.size()) {
      puts_.erase(head.request);
      return fail_with(head, errc::exists, message.path());
    } else {
      const auto id = message.resume()
                          ? "resumable " + message.path() + std::to_string(message.mtime_ns())
                          : "upload " + std::to_string(owner_.next_version_++);
      auto& kept = owner_.uploads_[id];
      if (!kept || kept->done) kept = std::make_shared<fake_server::upload>();
      kept->opened = message;
      kept->opened.set_upload_id(id);
      kept->content.resize(message.size_bytes());
      place = kept;
      if (message.whole()) {
        if (message.size_bytes() == 0) publish(head.request, *place);
        return;
      }
    }
    v1::PutOpened opened;
    opened.set_upload_id(place->opened.upload_id());
    opened.set_held_blocks(place->held.size());
    send(wire::kind::put_opened, head.request, wire::no_flags, opened);
  }

  void on_block(const wire::frame_head& head, std::span<const std::byte> body) {
    const auto found = puts_.find(head.request);
    if (found == puts_.end()) return;
    lose_sometimes();
    const auto block = wire::parse_block_head(body.first<wire::block_head_bytes>(),
                                              body.size() - wire::block_head_bytes);
    if (!block) throw cut{};
    ++owner_.blocks_received_;
    const auto payload = body.subspan(wire::block_head_bytes);
    if (owner_.faults_.refused_blocks > 0 || base::digest_of(payload) != block->digest) {
      if (owner_.faults_.refused_blocks > 0) --owner_.faults_.refused_blocks;
      v1::BlockRefused refused;
      refused.set_offset(block->offset);
      *refused.mutable_error() = wire::to_wire(error{.code = errc::bad_digest, .context = {}});
      return send(wire::kind::block_refused, head.request, wire::no_flags, refused);
    }
    auto& to = *found->second;
    if (to.content.size() < block->offset + payload.size()) {
      to.content.resize(block->offset + payload.size());
    }
    std::ranges::transform(payload, to.content.begin() + static_cast<std::ptrdiff_t>(block->offset),
                           [](std::byte b) { return std::to_integer<char>(b); });
    to.held[block->offset / base::block_bytes] = payload.size();
    untold_[head.request].push_back(block->offset / base::block_bytes);
    if (to.opened.whole()) publish(head.request, to);
  }

  void tell_durable(std::uint32_t request) {
    v1::BlocksDurable durable;
    for (const auto block : std::exchange(untold_[request], {})) {
      auto& run = *durable.add_blocks();
      run.set_first(block);
      run.set_count(1);
    }
    send(wire::kind::blocks_durable, request, wire::no_flags, durable);
  }

  void on_finish(const wire::frame_head& head, const v1::PutFinish& message) {
    const auto found = puts_.find(head.request);
    if (found == puts_.end()) return;
    auto& upload = *found->second;
    if (owner_.faults_.exists_at_finish) {
      owner_.files_[upload.opened.path()].content = "another's";
      return fail_with(head, errc::exists, upload.opened.path());
    }
    if (message.has_size_bytes()) upload.content.resize(message.size_bytes());
    std::size_t held = 0;
    for (const auto& [block, bytes] : upload.held) held += bytes;
    if (held != upload.content.size()) return fail_with(head, errc::conflict, "blocks are missing");
    publish(head.request, upload);
  }

  void publish(std::uint32_t request, fake_server::upload& upload) {
    auto& file = owner_.files_[upload.opened.path()];
    file = {.content = upload.content,
            .mtime_ns = upload.opened.mtime_ns(),
            .executable = upload.opened.executable(),
            .version = owner_.next_version_++};
    upload.done = true;
    if (std::exchange(owner_.faults_.loses_finish_answer, false)) throw cut{};
    send_done(request, upload);
  }

  void send_done(std::uint32_t request, const fake_server::upload& upload) {
    puts_.erase(request);
    v1::PutDone done;
    *done.mutable_entry() = entry_of(upload.opened.path(), owner_.files_[upload.opened.path()]);
    send(wire::kind::put_done, request, wire::last, done);
  }

  void send(wire::kind kind, std::uint32_t request, std::uint8_t flags,
            const google::protobuf::MessageLite& message) {
    std::vector<std::byte> out;
    if (!wire::append_message(out, kind, request, flags, message)) throw cut{};
    send_all(out);
  }

  void send_all(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) throw cut{};
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    }
  }

  void receive(std::span<std::byte> into) {
    while (!into.empty()) {
      const auto got = ::recv(fd_, into.data(), into.size(), 0);
      if (got <= 0) throw cut{};
      into = into.subspan(static_cast<std::size_t>(got));
    }
  }

  fake_server& owner_;
  int fd_;
  int blocks_ = 0;
  std::map<std::uint32_t, std::shared_ptr<fake_server::upload>> puts_;
  std::map<std::uint32_t, std::vector<std::uint64_t>> untold_;
};

fake_server::fake_server() {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, generic, &size) != 0) {
    throw std::runtime_error("the fake server cannot listen");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

void fake_server::accept_all() {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    const std::lock_guard lock(mutex_);
    ++connections_;
    if (ending_ || faults_.accept_closes > 0) {
      --faults_.accept_closes;
      ::close(fd);
      continue;
    }
    sockets_.push_back(fd);
    threads_.emplace_back([this, fd] {
      try {
        fake_peer(*this, fd).run();
      } catch (const cut&) {
        ::shutdown(fd, SHUT_RDWR);
      }
      ::shutdown(fd, SHUT_RDWR);
    });
  }
}

fake_server::~fake_server() {
  ending_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  for (const int fd : sockets_) ::shutdown(fd, SHUT_RDWR);
  for (auto& thread : threads_) thread.join();
  for (const int fd : sockets_) ::close(fd);
}

url fake_server::at(const std::string& path) const {
  return {.host = "127.0.0.1", .port = port_, .path = path};
}

void fake_server::set(const std::string& path, std::string content) {
  const std::lock_guard lock(mutex_);
  files_[path] = {.content = std::move(content),
                  .mtime_ns = 1'600'000'000'123'456'789,
                  .executable = false,
                  .version = next_version_++};
}

std::optional<fake_file> fake_server::file(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto found = files_.find(path);
  if (found == files_.end()) return std::nullopt;
  return found->second;
}

void fake_server::inject(const std::function<void(faults&)>& change) {
  const std::lock_guard lock(mutex_);
  change(faults_);
}

void fake_server::add_entry(const std::string& path, bool folder) {
  const std::lock_guard lock(mutex_);
  extra_.push_back(folder ? wire::folder_entry(path, 0) : wire::file_entry(path, 1, 0, false, "x"));
}

std::vector<std::string> fake_server::folders() const {
  const std::lock_guard lock(mutex_);
  return folders_;
}

}  // namespace sluice::client
