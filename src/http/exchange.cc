#include "http/exchange.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <charconv>

#include "base/text.h"
#include "http/chunks.h"
#include "http/connection.h"
#include "net/on_pool.h"

namespace sluice::http {
namespace {

constexpr std::uint64_t file_piece_bytes = base::block_bytes;
constexpr std::size_t usual_head_bytes = 768;
constexpr std::chrono::milliseconds look_pause(200);
constexpr std::uint64_t read_bytes = 128 * 1024;
constexpr std::size_t framing_bytes = 4096;  // received at once where the size of a chunk is needed

// On the pool, so that sending does not wait for the disk.
result<void> read_into_cache(const store::content& file, std::uint64_t offset,
                             std::uint64_t size_bytes) {
  std::vector<std::byte> piece(std::min<std::uint64_t>(size_bytes, read_bytes));
  for (std::uint64_t done = 0; done < size_bytes;) {
    const auto into =
        std::span(piece).first(std::min<std::uint64_t>(read_bytes, size_bytes - done));
    const auto got = file.pread(offset + done, into);
    if (!got) return std::unexpected(got.error());
    if (*got < into.size()) return fail(errc::changed, "a file became shorter while it was sent");
    done += *got;
  }
  return {};
}

bool has_no_body(status code) {
  return code == status::no_content || code == status::not_modified ||
         static_cast<unsigned>(code) < 200;
}

}  // namespace

void exchange_abort::operator()() const {
  auto home = of_.lock();
  if (!home) return;
  const auto where = home->where();
  boost::asio::post(where, [home = std::move(home), number = number_] { home->abort(number); });
}

exchange::exchange(connection& home, request&& asked, std::uint64_t number)
    : home_(home), asked_(std::move(asked)), number_(number) {
  if (!asked_.has_body) return;
  if (asked_.content_length) {
    counted_left_ = *asked_.content_length;
  } else {
    chunks_.emplace();
  }
}

exchange::~exchange() = default;

void exchange::show_in(net::visitors& all) {
  here_.emplace(all, home_.stream().socket().native_handle(), caller_, asked_.path);
}

executor exchange::where() const noexcept { return home_.where(); }

const std::string& exchange::from() const noexcept { return home_.from(); }

result<void> exchange::take_place(const base::budget_ptr& whose) {
  auto taken = base::budget_place::take(whose);
  if (!taken) return std::unexpected(taken.error());
  place_ = std::move(*taken);
  if (!whose || !whose->has_rate()) return {};
  pace_ = std::make_unique<net::pace>(where());
  pace_->use(
      [whose](std::uint64_t bytes) { return whose->pass(bytes, base::budget::clock::now()); });
  return {};
}

// Neither side is too slow meanwhile: nobody waits for the other.
awaitable<result<void>> exchange::keep_pace() {
  while (pace_ && pace_->is_due()) {
    if (const auto& why = home_.trouble()) co_return std::unexpected(*why);
    co_await pace_->rest_for(look_pause);
  }
  co_return result<void>{};
}

bool exchange::client_left() const { return home_.in().peer_ended(); }

bool exchange::has_bytes_behind() const { return home_.in().has_more(); }

net::stream& exchange::hand_over() noexcept {
  handed_over_ = began_ = complete_ = closes_ = true;
  return home_.stream();
}

exchange_abort exchange::abort_handle() const { return {home_.weak_from_this(), number_}; }

bool exchange::body_ended() const noexcept {
  return chunks_ ? chunks_->ended() : counted_left_ == 0;
}

const field_list& exchange::trailers() const noexcept {
  static const field_list none;
  return chunks_ ? chunks_->trailers() : none;
}

std::uint64_t exchange::data_left() const noexcept {
  return chunks_ ? chunks_->data_left() : counted_left_;
}

void exchange::took(std::uint64_t bytes) {
  body_taken_ += bytes;
  if (pace_) pace_->passed(bytes);
  if (chunks_) {
    chunks_->took(bytes);
  } else {
    counted_left_ -= bytes;
  }
}

// Takes the framing of a chunked body that is buffered.
result<void> exchange::take_framing() {
  if (rejection_) return fail(errc::bad_frame, rejection_->detail);
  if (!chunks_ || chunks_->data_left() > 0) return {};
  const auto taken = chunks_->read(home_.in().buffered());
  if (!taken) {
    rejection_ = std::make_unique<problem>(taken.error());
    return fail(errc::bad_frame, rejection_->detail);
  }
  home_.in().consume(*taken);
  return {};
}

awaitable<result<void>> exchange::body_ready(std::size_t count) {
  if (pace_) {
    const auto rested = co_await keep_pace();
    if (!rested) co_return rested;
    count = pace_->step(count);
  }
  const auto framed = take_framing();
  if (!framed) co_return framed;
  if (body_ended()) co_return result<void>{};
  const std::uint64_t wanted =
      std::clamp<std::uint64_t>(data_left(), 1, std::max<std::size_t>(count, 1));
  const std::uint64_t here = home_.in().buffered().size();
  if (here >= wanted || home_.in().seems_here(wanted - here)) co_return result<void>{};
  if (asked_.expects_continue && !continued_) {
    const response go_on(status::continue_);
    const auto sent = co_await send_interim(go_on);
    if (!sent) co_return sent;
  }
  const auto readable = co_await home_.in().wait(wanted - here);
  if (!readable) co_return std::unexpected(home_.explain(readable.error()));
  co_return result<void>{};
}

std::uint64_t exchange::body_here() { return home_.in().here(counted_left_); }

// 0: nothing there now.
result<std::size_t> exchange::take_data(std::span<std::byte> into) {
  auto& in = home_.in();
  if (data_left() == 0) {  // the size of a chunk is needed
    const auto got = in.receive(framing_bytes);
    if (!got) return got;
    if (*got == 0) return std::size_t{0};
    const auto framed = take_framing();
    if (!framed) return std::unexpected(framed.error());
    return take_data_here(into);
  }
  return take_data_here(into);
}

result<std::size_t> exchange::take_data_here(std::span<std::byte> into) {
  into = into.first(std::min<std::uint64_t>(into.size(), data_left()));
  if (into.empty()) return std::size_t{0};
  if (const std::size_t count = home_.in().take_buffered(into); count > 0) return count;
  return home_.in().receive(into);
}

result<std::size_t> exchange::body_now(std::span<std::byte> into) {
  std::size_t taken = 0;
  while (taken < into.size()) {
    if (auto framed = take_framing(); !framed) {
      if (taken > 0) return taken;  // what came before it is as it was sent
      return std::unexpected(framed.error());
    }
    if (body_ended()) break;
    const bool needs_framing = data_left() == 0;
    const auto got = take_data(into.subspan(taken));
    if (!got) {
      if (taken > 0) return taken;
      if (got.error().code == errc::end_of_stream) {
        return fail(errc::broken_stream, "the client left inside a body");
      }
      return std::unexpected(home_.explain(got.error()));
    }
    if (*got == 0 && (!needs_framing || data_left() == 0)) break;
    took(*got);
    taken += *got;
  }
  (void)take_framing();  // so that an end that is here is known
  return taken;
}

awaitable<result<std::size_t>> exchange::read_some(std::span<std::byte> into) {
  for (;;) {
    const auto ready = co_await body_ready(into.size());
    if (!ready) co_return std::unexpected(ready.error());
    const auto got = body_now(into);
    if (!got || *got > 0 || body_ended() || into.empty()) co_return got;
  }
}

awaitable<result<std::size_t>> exchange::read_full(std::span<std::byte> into) {
  std::size_t filled = 0;
  while (filled < into.size()) {
    const auto got = co_await read_some(into.subspan(filled));
    if (!got) co_return got;
    if (*got == 0) break;
    filled += *got;
  }
  co_return filled;
}

awaitable<result<void>> exchange::send_interim(const response& what) {
  if (what.code() == status::continue_) continued_ = true;
  if (asked_.is_1_0 || began_) co_return result<void>{};
  std::string text;
  append_status_line(text, what.code());
  text += what.lines();
  text += "\r\n";
  const auto sent = co_await home_.out().send(text, {}, false);
  if (!sent) co_return std::unexpected(home_.explain(sent.error()));
  co_return result<void>{};
}

// Whether what the handler leaves of the body is read, so that another request can follow it.
bool exchange::must_close() const {
  const auto& shared = home_.shared();
  if (closes_ || !asked_.keeps_alive || shared.draining) return true;
  if (number_ >= shared.limits.requests) return true;
  if (body_ended()) return false;
  if (asked_.expects_continue && !continued_) return true;
  return chunks_.has_value() || counted_left_ > shared.limits.unread_bytes;
}

void exchange::begin(const response& head, std::optional<std::uint64_t> size_bytes) {
  began_ = true;
  code_ = head.code();
  const bool bodyless = has_no_body(code_);
  chunked_ = !size_bytes && !bodyless && !asked_.is_1_0;
  size_left_ = size_bytes;
  if (bodyless || asked_.is_head()) size_left_ = 0;
  if (!size_bytes && !bodyless && asked_.is_1_0) closes_ = true;
  closes_ = must_close();
  ++home_.shared().counts.responses.at(static_cast<unsigned>(code_) % 600);
  pending_.reserve(usual_head_bytes);
  const std::string_view policy =
      head.has_policy() ? "" : "Content-Security-Policy: default-src 'none'\r\n";
  const std::string_view later = code_ == status::service_unavailable ? retry_after : "";
  std::string_view persistence;
  if (closes_) {
    persistence = "Connection: close\r\n";
  } else if (asked_.is_1_0) {
    persistence = "Connection: keep-alive\r\n";
  }
  base::append(pending_,
               {head_begin(code_, home_.shared().agent), head.lines(), policy, later, persistence});
  if (chunked_) {
    pending_ += "Transfer-Encoding: chunked\r\n\r\n";
  } else if (size_bytes && !bodyless) {
    const fmt::format_int length(*size_bytes);
    base::append(pending_, {"Content-Length: ", {length.data(), length.size()}, "\r\n\r\n"});
  } else {
    pending_ += "\r\n";
  }
  if (asked_.is_head()) chunked_ = false;
}

// The head of a chunk behind what is pending.
void exchange::announce(std::uint64_t size_bytes) {
  if (!chunked_) return;
  std::array<char, 16> digits{};
  const auto [end, fine] =
      std::to_chars(digits.data(), digits.data() + digits.size(), size_bytes, 16);
  pending_.append(digits.data(), end);
  pending_ += "\r\n";
}

// What a write may bring; an error ends the connection, since the response cannot go on.
result<void> exchange::account(std::uint64_t size_bytes) {
  if (!began_ || complete_) return fail(errc::internal, "a write outside of a response");
  if (!size_left_) return {};
  if (size_bytes > *size_left_) return fail(errc::internal, "a response longer than it was told");
  *size_left_ -= size_bytes;
  return {};
}

awaitable<result<void>> exchange::flush(std::span<const std::byte> body, bool more) {
  const std::string head = std::exchange(pending_, {});
  const auto sent = co_await home_.out().send(head, body, more);
  if (!sent) co_return std::unexpected(home_.explain(sent.error()));
  co_return result<void>{};
}

awaitable<result<void>> exchange::write(std::span<const std::byte> bytes) {
  if (!wants_body() || bytes.empty()) co_return result<void>{};
  const auto fits = account(bytes.size());
  if (!fits) co_return fits;
  announce(bytes.size());
  if (pace_) {
    const auto rested = co_await keep_pace();
    if (!rested) co_return rested;
    pace_->passed(bytes.size());
  }
  const auto sent = co_await flush(bytes, size_left_ && *size_left_ > 0);
  if (chunked_) pending_ = "\r\n";
  co_return sent;
}

// What is pending and then what is in the page cache, as far as it goes without waiting: how much
// of the latter.
result<std::uint64_t> exchange::send_cached(const store::content& file, std::uint64_t offset,
                                            std::uint64_t size_bytes) {
  if (!pending_.empty()) {
    const auto begun = home_.out().try_send(pending_, {}, true);
    if (!begun) return std::unexpected(home_.explain(begun.error()));
    pending_.erase(0, *begun);
    if (!pending_.empty()) return std::uint64_t{0};
  }
  const auto sent = home_.out().try_send_file(file.fd(), offset, size_bytes);
  if (!sent) return std::unexpected(home_.explain(sent.error()));
  return sent;
}

result<std::uint64_t> exchange::write_file_now(const store::content& file, std::uint64_t offset,
                                               std::uint64_t size_bytes) {
  // Behind the head of an empty one nothing follows, for which the kernel would wait.
  const bool is_small = size_bytes > 0 && size_bytes <= file_piece_bytes;
  if (!is_small || !wants_body() || chunked_ || pace_ || !file.is_cached(offset, size_bytes)) {
    return std::uint64_t{0};
  }
  const auto sent = send_cached(file, offset, size_bytes);
  if (!sent) return sent;
  if (const auto fits = account(*sent); !fits) return std::unexpected(fits.error());
  return sent;
}

awaitable<result<void>> exchange::write_file(const store::content& file, std::uint64_t offset,
                                             std::uint64_t size_bytes) {
  if (!wants_body() || size_bytes == 0) co_return result<void>{};
  const auto fits = account(size_bytes);
  if (!fits) co_return fits;
  announce(size_bytes);
  while (size_bytes > 0) {
    const std::uint64_t to_border = file_piece_bytes - offset % file_piece_bytes;
    std::uint64_t piece = std::min(to_border, size_bytes);
    if (pace_) {
      piece = pace_->step(piece);
      pace_->passed(piece);
      const auto rested = co_await keep_pace();
      if (!rested) co_return rested;
    }
    if (!file.is_cached(offset, piece)) {
      const auto read = co_await net::on_pool(home_.shared().pool, [&file, offset, piece] {
        return read_into_cache(file, offset, piece);
      });
      if (!read) co_return std::unexpected(read.error());
    }
    const auto at_once = send_cached(file, offset, piece);
    if (!at_once) co_return std::unexpected(at_once.error());
    if (!pending_.empty()) {
      const auto begun = co_await flush({}, true);
      if (!begun) co_return begun;
    }
    if (*at_once < piece) {
      const auto sent =
          co_await home_.out().send_file(file.fd(), offset + *at_once, piece - *at_once);
      if (!sent) co_return std::unexpected(home_.explain(sent.error()));
    }
    offset += piece;
    size_bytes -= piece;
  }
  if (chunked_) pending_ = "\r\n";
  co_return result<void>{};
}

bool exchange::end_now() noexcept {
  const bool is_all = pending_.empty() && !chunked_ && size_left_ == 0;
  complete_ = complete_ || is_all;
  return is_all;
}

awaitable<result<void>> exchange::end() {
  if (size_left_ && *size_left_ > 0) co_return fail(errc::internal, "a response shorter than told");
  if (chunked_) pending_ += "0\r\n\r\n";
  complete_ = true;
  if (pending_.empty()) co_return result<void>{};
  co_return co_await flush({}, false);
}

awaitable<result<void>> exchange::push() {
  if (pending_.empty()) co_return result<void>{};
  co_return co_await flush({}, false);
}

awaitable<result<void>> exchange::send(const response& what) {
  begin(what, what.body().size());
  complete_ = true;
  if (!wants_body() || has_no_body(what.code())) co_return co_await flush({}, false);
  const std::span<const char> body(what.body());
  co_return co_await flush(std::as_bytes(body), false);
}

awaitable<result<void>> exchange::answer(response what) { co_return co_await send(what); }

awaitable<result<void>> exchange::refuse(const problem& why) {
  const response refused(why);
  co_return co_await send(refused);
}

}  // namespace sluice::http
