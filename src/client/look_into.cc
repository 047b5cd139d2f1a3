#include "client/look_into.h"

#include <fmt/format.h>

#include "base/digest.h"
#include "client/blocks.h"
#include "client/names.h"
#include "client/requests.h"
#include "client/silent_observer.h"

namespace sluice::client {
namespace {

// A GET of one block.
class one_block final : public request {
 public:
  one_block(const executor& where, const remote_entry& file, std::uint64_t number)
      : file_(file), number_(number), over_(where) {}

  result<void> on_message(const wire::frame_head& head, std::span<const std::byte> body) override {
    if (head.kind == wire::kind::content_end) {
      end({});
      return {};
    }
    if (head.kind != wire::kind::content) return fail(errc::bad_frame, "no CONTENT");
    const auto told = wire::parse_message<v1::Content>(wire::kind::content, body);
    if (!told) return std::unexpected(told.error());
    if (told->entry().identity() != file_.identity) {
      end(fail(errc::changed, "the file on the server changed"));
    }
    return {};
  }

  awaitable<result<void>> on_block(wire::frame_head, wire::block_head block,
                                   connection& from) override {
    const std::size_t bytes = from.reader().payload_left();
    const bool is_it = content_.empty() && block.offset == offset_of(number_) &&
                       bytes == bytes_of(number_, file_.size_bytes);
    if (!is_it) co_return fail(errc::bad_frame, "a block that was not asked for");
    content_.resize(bytes);
    auto got = co_await from.reader().payload(content_);
    if (got && base::digest_of(content_) != block.digest) {
      end(fail(errc::bad_digest, fmt::format("block {} arrived damaged", number_)));
    }
    co_return got;
  }

  void on_failed(const error& why, bool) override { end(std::unexpected(why)); }

  awaitable<result<std::vector<std::byte>>> over() {
    while (!outcome_) co_await over_.wait();
    if (!*outcome_) co_return std::unexpected(outcome_->error());
    if (content_.empty()) co_return fail(errc::bad_frame, "a GET without its block");
    co_return std::move(content_);
  }

 private:
  void end(result<void> outcome) {
    if (!outcome_) outcome_ = std::move(outcome);
    over_.notify_all();
  }

  const remote_entry file_;
  const std::uint64_t number_;
  std::vector<std::byte> content_;
  net::signal over_;
  std::optional<result<void>> outcome_;
};

awaitable<result<std::vector<std::byte>>> get_block(std::shared_ptr<connection> by,
                                                    remote_entry file, std::uint64_t number) {
  v1::Get message;
  message.set_path(file.path);
  message.set_if_identity(file.identity);
  auto& range = *message.add_ranges();
  range.set_offset(offset_of(number));
  range.set_length(bytes_of(number, file.size_bytes));
  const auto reply = std::make_shared<one_block>(by->owner().where(), file, number);
  by->begin(wire::kind::get, message, reply);
  auto content = co_await reply->over();
  co_return content;
}

awaitable<result<remote_entry>> find_file(std::shared_ptr<connection> by, url file) {
  const std::string path(without_slash(file.path));
  auto found = co_await stat(by, path);
  if (!found) co_return std::unexpected(found.error());
  if (!*found) co_return fail(errc::not_found);
  if ((*found)->folder) co_return fail(errc::invalid_argument, "it is a folder");
  (*found)->path = path;
  co_return std::move(**found);
}

awaitable<result<void>> look(
    session& owner, url where,
    std::function<std::optional<std::uint64_t>(const known_content&)> next) {
  const std::string doing = "look into " + where.text();
  auto by = co_await owner.open(where);
  if (!by) co_return std::unexpected(about(by.error(), doing));
  const auto file = co_await find_file(*by, where);
  if (!file) co_return std::unexpected(about(file.error(), doing));
  known_content known{.size_bytes = file->size_bytes};
  while (const auto number = next(known)) {
    if (*number >= blocks_of(known.size_bytes)) break;
    auto content = co_await get_block(*by, *file, *number);
    if (!content) co_return std::unexpected(about(content.error(), doing));
    known.blocks.insert_or_assign(*number, std::move(*content));
  }
  co_return result<void>{};
}

}  // namespace

result<void> look_into(const url& file, const session_options& options,
                       std::function<std::optional<std::uint64_t>(const known_content&)> next) {
  silent_observer nobody;
  session work(options, nobody);
  return work.run(look(work, file, std::move(next)));
}

}  // namespace sluice::client
