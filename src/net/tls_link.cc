#include "net/tls_link.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace sluice::net {
namespace {

constexpr std::size_t record_bytes = SSL3_RT_MAX_PLAIN_LENGTH;  // of content
constexpr std::size_t record_head_bytes = SSL3_RT_HEADER_LENGTH;
constexpr std::size_t tag_bytes = 16;  // of every cipher that is offered
constexpr std::size_t gathered_bytes = 4 * record_bytes;
// Of one call: the others of the thread want their turn.
constexpr std::size_t send_file_bytes = 16 * record_bytes;

// Content on its way into records. Of the thread, since nothing stays in it.
std::span<std::byte> scratch() {
  thread_local std::array<std::byte, gathered_bytes> bytes;
  return bytes;
}

// Records on their way to the kernel, of one call.
std::vector<std::byte>& gathered() {
  thread_local std::vector<std::byte> records;
  return records;
}

bool would_block(int error_number) noexcept {
  return error_number == EAGAIN || error_number == EWOULDBLOCK;
}

// Where the peer most likely speaks no TLS at all.
bool is_no_tls(unsigned long code) {
  if (ERR_GET_LIB(code) != ERR_LIB_SSL) return false;
  switch (ERR_GET_REASON(code)) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_BAD_RECORD_TYPE: return true;
    default: return false;
  }
}

}  // namespace

std::string take_tls_trouble() {
  const unsigned long code = ERR_peek_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  std::string text = reason == nullptr ? "OpenSSL says no more" : reason;
  if (is_no_tls(code)) text = "what came is no TLS (" + text + ")";
  ERR_clear_error();
  return text;
}

BIO_METHOD* tls_link::method() {
  static BIO_METHOD* const made = [] {
    BIO_METHOD* fresh = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sluice socket");
    BIO_meth_set_read(fresh, read_socket);
    BIO_meth_set_write(fresh, write_socket);
    BIO_meth_set_ctrl(fresh, control);
    return fresh;
  }();
  return made;
}

// OpenSSL asks for the head of a record and then for its body. The head of the next one is taken
// together with a body, which saves every second call to the kernel.
int tls_link::read_socket(BIO* bio, char* into, int size) {
  auto& self = *static_cast<tls_link*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const std::span wanted(reinterpret_cast<std::byte*>(into), static_cast<std::size_t>(size));
  if (!self.next_head_.empty()) return static_cast<int>(self.take_next_head(wanted));
  const auto got = self.receive_raw(wanted);
  if (got > 0) return static_cast<int>(std::min(static_cast<std::size_t>(got), wanted.size()));
  if (got == 0) {
    self.at_end_ = true;
    return 0;
  }
  if (would_block(errno) || errno == EINTR) {
    BIO_set_retry_read(bio);
  } else {
    self.socket_errno_ = errno;
  }
  return -1;
}

// As recv(2); what is more than `into` is the front of the next record.
ssize_t tls_link::receive_raw(std::span<std::byte> into) noexcept {
  const bool ends_record = body_left_ > 0 && into.size() == body_left_;
  std::array<iovec, 2> places{iovec{into.data(), into.size()},
                              iovec{next_head_space_.data(), next_head_space_.size()}};
  msghdr message{};
  message.msg_iov = places.data();
  message.msg_iovlen = ends_record ? 2 : 1;
  const auto got = ::recvmsg(fd_, &message, MSG_DONTWAIT);
  if (got <= 0) return got;
  const auto count = static_cast<std::size_t>(got);
  received_ += count;
  const std::size_t in_place = std::min(count, into.size());
  next_head_ = std::span(next_head_space_).first(count - in_place);
  count_records(into.first(in_place));
  count_records(next_head_);
  return got;
}

std::size_t tls_link::take_next_head(std::span<std::byte> into) noexcept {
  const std::size_t count = std::min(into.size(), next_head_.size());
  std::ranges::copy(next_head_.first(count), into.begin());
  next_head_ = next_head_.subspan(count);
  return count;
}

// Takes all that it is given: see `unsent_`.
int tls_link::write_socket(BIO* bio, const char* bytes, int size) {
  auto& self = *static_cast<tls_link*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const std::span records(reinterpret_cast<const std::byte*>(bytes),
                          static_cast<std::size_t>(size));
  if (self.gathers_) {
    gathered().insert(gathered().end(), records.begin(), records.end());
    return size;
  }
  return self.pass_on(records, false) ? size : -1;
}

long tls_link::control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return static_cast<tls_link*>(BIO_get_data(bio))->at_end_ ? 1 : 0;
  return 0;
}

result<std::unique_ptr<tls_link>> tls_link::make(SSL_CTX* context, int fd, role as) {
  ERR_clear_error();
  ssl_ptr ssl(SSL_new(context));
  BIO* bio = ssl ? BIO_new(method()) : nullptr;
  if (bio == nullptr) return fail(errc::internal, "begin TLS: " + take_tls_trouble());
  std::unique_ptr<tls_link> made(new tls_link(std::move(ssl), fd));
  BIO_set_data(bio, made.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(made->ssl(), bio, bio);  // takes it
  if (as == role::server) {
    SSL_set_accept_state(made->ssl());
  } else {
    SSL_set_connect_state(made->ssl());
  }
  return made;
}

// A connection that was cut says nothing against its session (RFC 5246, 7.2.1), but OpenSSL would
// throw that away.
tls_link::~tls_link() { SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); }

// So what OpenSSL holds, and what is missing of it, is known.
void tls_link::count_records(std::span<const std::byte> bytes) noexcept {
  while (!bytes.empty()) {
    if (body_left_ > 0) {
      const std::size_t count = std::min(body_left_, bytes.size());
      body_left_ -= count;
      bytes = bytes.subspan(count);
      continue;
    }
    const auto each = std::to_integer<std::size_t>(bytes.front());
    bytes = bytes.subspan(1);
    ++head_bytes_;
    if (head_bytes_ == record_head_bytes - 1) body_bytes_ = each << 8;
    if (head_bytes_ < record_head_bytes) continue;
    head_bytes_ = 0;
    body_bytes_ += each;
    body_left_ = body_bytes_;
  }
}

std::size_t tls_link::decrypted() const noexcept {
  return static_cast<std::size_t>(SSL_pending(ssl_.get()));
}

std::size_t tls_link::on_the_wire(std::size_t count) const noexcept {
  // Since TLS 1.3 a record ends with the type of its content.
  const std::size_t tail = tag_bytes + (SSL_version(ssl_.get()) >= TLS1_3_VERSION ? 1 : 0);
  const auto in_records = [tail](std::size_t bytes) {
    return bytes + (bytes + record_bytes - 1) / record_bytes * (record_head_bytes + tail);
  };
  if (body_left_ == 0) return in_records(std::max<std::size_t>(count, 1)) - head_bytes_;
  const std::size_t in_this = body_bytes_ > tail ? body_bytes_ - tail : 0;
  return body_left_ + (count > in_this ? in_records(count - in_this) : 0);
}

// After one, every operation fails with it: OpenSSL is finished then.
std::unexpected<error> tls_link::failure(int outcome, const char* what) {
  const int kind = SSL_get_error(ssl_.get(), outcome);
  if (kind == SSL_ERROR_ZERO_RETURN) {
    ERR_clear_error();
    return fail(errc::end_of_stream);  // may be told again: the other direction goes on
  }
  const unsigned long code = ERR_peek_error();
  const std::string attempt = shook_hands_ ? what : "TLS handshake";
  if (socket_errno_ != 0) {
    failure_ = fail_errno(socket_errno_, attempt).error();
  } else if (at_end_) {
    failure_ = error{errc::broken_stream, attempt +
                                              ": the peer was cut off, or closed without the "
                                              "last word that TLS has"};
  } else if (shook_hands_) {
    failure_ = error{errc::broken_stream, attempt + ": " + take_tls_trouble()};
  } else {
    failure_ = error{errc::not_allowed, attempt + ": " + take_tls_trouble()};
  }
  if (code != 0) ERR_clear_error();
  return std::unexpected(*failure_);
}

result<tls_link::step> tls_link::handshake() {
  if (failure_) return std::unexpected(*failure_);
  ERR_clear_error();
  const int outcome = SSL_do_handshake(ssl_.get());
  if (outcome != 1 && SSL_get_error(ssl_.get(), outcome) != SSL_ERROR_WANT_READ) {
    return failure(outcome, "");
  }
  const auto sent = flush();
  if (!sent) return std::unexpected(sent.error());
  if (!*sent) return step::wants_to_send;
  if (outcome != 1) return step::wants_to_receive;
  shook_hands_ = true;
  return step::done;
}

result<std::size_t> tls_link::receive(std::span<std::byte> into) {
  if (failure_) return std::unexpected(*failure_);
  if (into.empty()) return std::size_t{0};
  ERR_clear_error();
  std::size_t got = 0;
  const int outcome = SSL_read_ex(ssl_.get(), into.data(), into.size(), &got);
  if (outcome == 1) return got;
  if (SSL_get_error(ssl_.get(), outcome) == SSL_ERROR_WANT_READ) return std::size_t{0};
  return failure(outcome, "receive");
}

result<std::optional<std::byte>> tls_link::peek() {
  if (failure_) return std::unexpected(*failure_);
  ERR_clear_error();
  std::byte next{};
  std::size_t got = 0;
  const int outcome = SSL_peek_ex(ssl_.get(), &next, 1, &got);
  if (outcome == 1) return next;
  if (SSL_get_error(ssl_.get(), outcome) == SSL_ERROR_WANT_READ) return std::nullopt;
  return failure(outcome, "receive");
}

// Records to the kernel, behind those that it had no room for.
result<void> tls_link::pass_on(std::span<const std::byte> records, bool more) {
  const int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0);
  while (unsent_.empty() && !records.empty()) {
    const auto taken = ::send(fd_, records.data(), records.size(), flags);
    if (taken < 0 && errno == EINTR) continue;
    if (taken < 0 && would_block(errno)) break;
    if (taken < 0) {
      socket_errno_ = errno;
      return fail_errno(errno, "send");
    }
    sent_ += static_cast<std::uint64_t>(taken);
    records = records.subspan(static_cast<std::size_t>(taken));
  }
  unsent_.insert(unsent_.end(), records.begin(), records.end());
  return {};
}

// True: the kernel has all.
result<bool> tls_link::flush() {
  while (unsent_begin_ < unsent_.size()) {
    const auto taken = ::send(fd_, unsent_.data() + unsent_begin_, unsent_.size() - unsent_begin_,
                              MSG_NOSIGNAL | MSG_DONTWAIT);
    if (taken < 0 && errno == EINTR) continue;
    if (taken < 0 && would_block(errno)) return false;
    if (taken < 0) {
      failure_ = fail_errno(errno, "send").error();
      return std::unexpected(*failure_);
    }
    sent_ += static_cast<std::uint64_t>(taken);
    unsent_begin_ += static_cast<std::size_t>(taken);
  }
  if (!unsent_.empty()) unsent_ = {};
  unsent_begin_ = 0;
  return true;
}

result<void> tls_link::encrypt(std::span<const std::byte> content, bool more) {
  ERR_clear_error();
  gathered().clear();
  gathers_ = true;
  int outcome = 1;
  while (outcome == 1 && !content.empty()) {
    std::size_t taken = 0;
    outcome = SSL_write_ex(ssl_.get(), content.data(), content.size(), &taken);
    if (outcome == 1) content = content.subspan(taken);
  }
  gathers_ = false;
  if (outcome != 1) return failure(outcome, "send");
  if (auto passed = pass_on(gathered(), more); !passed) {
    failure_ = passed.error();
    return passed;
  }
  return {};
}

std::size_t tls_link::take_credit(std::size_t most) noexcept {
  const std::size_t count = std::min(most, credit_);
  credit_ -= count;
  return count;
}

// A few records at most.
result<std::size_t> tls_link::write(std::span<const std::byte> content, bool more) {
  if (failure_) return std::unexpected(*failure_);
  const auto sent = flush();
  if (!sent) return std::unexpected(sent.error());
  if (!*sent) return std::size_t{0};
  if (credit_ > 0) return take_credit(content.size());
  const auto piece = content.first(std::min(content.size(), gathered_bytes));
  if (auto passed = encrypt(piece, more || piece.size() < content.size()); !passed) {
    return std::unexpected(passed.error());
  }
  if (unsent_.empty()) return piece.size();
  credit_ = piece.size();
  return std::size_t{0};
}

result<std::size_t> tls_link::send(std::span<const std::span<const std::byte>> pieces, bool more) {
  while (!pieces.empty() && pieces.front().empty()) pieces = pieces.subspan(1);
  if (pieces.empty()) return std::size_t{0};
  if (pieces.size() == 1 || pieces.front().size() >= gathered_bytes) {
    return write(pieces.front(), more || pieces.size() > 1);
  }
  std::size_t used = 0;
  bool whole = true;
  for (const auto& piece : pieces) {
    const auto fits = piece.first(std::min(piece.size(), gathered_bytes - used));
    // GCC 12 makes a loop over bytes of std::ranges::copy here.
    if (!fits.empty()) std::memcpy(scratch().subspan(used).data(), fits.data(), fits.size());
    used += fits.size();
    whole = whole && fits.size() == piece.size();
  }
  return write(scratch().first(used), more || !whole);
}

result<std::size_t> tls_link::send_file(int fd, std::uint64_t offset, std::uint64_t size_bytes) {
  const std::size_t most = std::min<std::uint64_t>(size_bytes, send_file_bytes);
  std::size_t done = 0;
  while (done < most) {
    if (failure_) return std::unexpected(*failure_);
    const auto sent = flush();
    if (!sent) return std::unexpected(sent.error());
    if (!*sent) break;
    done += take_credit(most - done);
    if (done == most) break;
    const auto into = scratch().first(std::min(gathered_bytes, most - done));
    const auto got = ::pread(fd, into.data(), into.size(), static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, "read a file that is sent");
    if (got == 0) return fail(errc::changed, "a file became shorter while it was sent");
    const auto piece = into.first(static_cast<std::size_t>(got));
    if (auto passed = encrypt(piece, done + piece.size() < size_bytes); !passed) {
      return std::unexpected(passed.error());
    }
    if (unsent_.empty()) {
      done += piece.size();
    } else {
      credit_ = piece.size();
    }
  }
  return done;
}

void tls_link::close_notify() noexcept {
  if (failure_ || !shook_hands_ || said_goodbye_) return;
  said_goodbye_ = true;
  ERR_clear_error();
  (void)SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

std::string tls_link::protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string tls_link::description() const {
  return std::string(SSL_get_version(ssl_.get())) + ", " + SSL_get_cipher_name(ssl_.get());
}

bool tls_link::is_resumed() const noexcept { return SSL_session_reused(ssl_.get()) == 1; }

}  // namespace sluice::net
