// The native protocol's bytes from a hostile peer: prefaces, frames, and the messages in them.
// The first byte of the input chooses what the rest is taken for.
#include <algorithm>
#include <cstdlib>
#include <span>
#include <vector>

#include "base/text.h"
#include "wire/any_message.h"
#include "wire/block_head.h"
#include "wire/entry.h"
#include "wire/error_message.h"
#include "wire/preface.h"

namespace {

using namespace sluice::wire;
namespace v1 = sluice::v1;
using bytes_view = std::span<const std::byte>;

void require(bool holds) {
  if (!holds) std::abort();
}

void take_error(const v1::Error& message) {
  const auto failure = from_wire(message);
  require(failure.context.size() <= max_error_path_bytes);
  const auto again = to_wire(failure, message.path());
  require(sluice::base::is_valid_utf8(again.text()) && sluice::base::is_valid_utf8(again.path()));
  std::vector<std::byte> out;
  append_error(out, 1, message);
  require(find_frame(out, side::server).value().has_value());
}

// What was understood can be said again, and then means the same.
void take_message(const frame_head& head, bytes_view body) {
  const auto message = any_message(head.kind);
  if (!message || !parse_message(head.kind, body, *message)) return;
  if (head.kind == kind::error) take_error(static_cast<const v1::Error&>(*message));
  if (head.kind == kind::get) {
    static_cast<void>(check_ranges(static_cast<const v1::Get&>(*message)));
  }
  if (head.kind == kind::digest_run) {
    static_cast<void>(parse_digests(static_cast<const v1::DigestRun&>(*message).digests()));
  }
  std::vector<std::byte> out;
  if (!append_message(out, head.kind, head.request, head.flags, *message)) return;
  const auto from = may_send(side::client, head.kind) ? side::client : side::server;
  const auto frame = find_frame(out, from).value().value();
  const auto again = any_message(head.kind);
  require(parse_message(head.kind, frame.body, *again).has_value());
  require(again->SerializeAsString() == message->SerializeAsString());
}

void take_block(bytes_view body) {
  const auto payload_bytes = body.size() - block_head_bytes;
  const auto head = parse_block_head(body.first<block_head_bytes>(), payload_bytes);
  if (!head) return;
  require(std::ranges::equal(encode_block_head(*head), body.first(block_head_bytes)));
  require(head->offset / sluice::base::block_bytes ==
          (head->offset + payload_bytes - 1) / sluice::base::block_bytes);
}

void take_stream(bytes_view stream, side from) {
  for (;;) {
    const auto frame = find_frame(stream, from);
    if (!frame || !*frame) return;
    const auto& [head, body] = **frame;
    const auto made = encode_head(head).value();
    require(parse_head(made, from).value() == head);
    if (head.kind == kind::block) take_block(body);
    take_message(head, body);
    stream = stream.subspan(head_bytes + body.size());
  }
}

// The body alone, so that the fuzzer need not find a head for it first.
void take_body(bytes_view input) {
  if (input.empty()) return;
  const auto k = kind{std::to_integer<std::uint8_t>(input.front())};
  const std::uint32_t request = facts_of(k).request == numbered::never ? 0 : 1;
  take_message({.kind = k, .request = request}, input.subspan(1));
}

void take_preface(bytes_view input) {
  if (input.size() < preface_bytes) return;
  const auto bytes = input.first<preface_bytes>();
  if (const auto client = parse_client_preface(bytes)) {
    const auto answer = answer_to(*client);
    const auto accepted = accept_answer(answer, *client);
    require(accepted.has_value() == (answer.chosen != 0));
    require(accepted || !accepted.error().context.empty());
  }
  if (const auto server = parse_server_preface(bytes)) {
    static_cast<void>(accept_answer(*server));
    require(parse_server_preface(encode_server_preface(*server)) == *server);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = std::as_bytes(std::span(data, size));
  if (input.empty()) return 0;
  const auto rest = input.subspan(1);
  switch (data[0] % 4) {
    case 0: take_stream(rest, side::client); break;
    case 1: take_stream(rest, side::server); break;
    case 2: take_body(rest); break;
    default: take_preface(rest); break;
  }
  return 0;
}
