// What clients do to uploads before they are whole.
#include "transfer/crash_explorer.h"

namespace sluice::transfer::test {

namespace {

void one_block(actor& client) {
  auto a = client.open("a", file_of(sparse_content(mib, 1)));
  client.send_all(a);
  client.checkpoint(a);
}

void many_blocks(actor& client) {
  auto a = client.open("a", file_of(sparse_content(3 * mib + 700, 2)));
  for (std::uint64_t block = 0; block < 4; ++block) {
    client.send(a, block);
    client.checkpoint(a);
  }
}

void out_of_order(actor& client) {
  auto a = client.open("a", file_of(sparse_content(2 * mib + 9000, 3)));
  for (const std::uint64_t block : {2U, 0U}) client.send(a, block);
  client.checkpoint(a);
  client.send(a, 1);
  client.checkpoint(a);
}

void several_writers(actor& client) {
  auto a = client.open("a", file_of(sparse_content(3 * mib, 4)));
  auto b = client.join(a);
  client.send(a, 0);
  client.send(b, 1);
  client.checkpoint(a);
  client.send(b, 0);  // again: told without being written
  client.send(a, 2);
  client.checkpoint(b);
}

void resume_after_restart(actor& client) {
  const auto file = file_of(sparse_content(2 * mib + 5, 5));
  {
    auto a = client.open("a", file);
    client.send(a, 1);
    client.checkpoint(a);
    client.send(a, 0);
  }
  client.restart();
  auto again = client.open("a", file, [](upload_request& wanted) { wanted.resume = true; });
  client.send(again, 0);
  client.send(again, 2);
  client.checkpoint(again);
  client.finish(again);
}

void size_unknown(actor& client) {
  auto a = client.open("a", file_of(sparse_content(mib + 4000, 6)),
                       [](upload_request& wanted) { wanted.size_bytes.reset(); });
  client.send(a, 0);
  client.checkpoint(a);
  client.send(a, 1);
  client.checkpoint(a);
  client.finish(a, mib + 4000);
}

void size_told_at_the_end(actor& client) {
  auto a = client.open("a", file_of(sparse_content(mib, 7)),
                       [](upload_request& wanted) { wanted.size_bytes.reset(); });
  client.send(a, 0);
  client.finish(a, mib);
}

void writing_goes_on(actor& client) {
  auto a = client.open("a", file_of(sparse_content(3 * mib, 8)));
  client.send(a, 0);
  client.server.disk().during_next(store::file_call::fdatasync, [&] { client.send(a, 1); });
  client.checkpoint(a);
  client.send(a, 2);
  client.server.disk().during_next(store::file_call::fdatasync, [&] { client.send(a, 1); });
  client.checkpoint(a);
}

// While the first version is synced, the block comes again with other bytes.
void overwritten_while_syncing(actor& client) {
  auto a = client.open("a", file_of(sparse_content(2 * mib, 9)));
  client.send_all(a);
  auto other = sparse_content(2 * mib, 10);
  const auto changed = file_of(std::move(other));
  client.server.disk().during_next(store::file_call::fdatasync,
                                   [&] { client.send_differently(a, 1, changed); });
  client.checkpoint(a);
  client.checkpoint(a);
}

void block_sent_differently(actor& client) {
  const auto first = file_of(sparse_content(2 * mib, 11));
  auto a = client.open("a", first);
  client.send_all(a);
  client.checkpoint(a);
  auto bytes_then = *first.content;
  const auto other = sparse_content(mib, 12);
  std::ranges::copy(other, bytes_then.begin() + mib);
  client.send_differently(a, 1, file_of(std::move(bytes_then)));
  client.checkpoint(a);
  client.finish(a);
}

void in_pieces(actor& client) {
  const auto file = file_of(sparse_content(mib, 13));
  auto a = client.open("a", file);
  {
    auto block = value(a.writer->begin(0, mib, file.digests[0]));
    const auto all = std::span<const std::byte>(*file.content);
    value(block.append(all.first(mib / 2)));
    client.checkpoint(a);
    value(block.append(all.subspan(mib / 2)));
    value(block.finish());
  }
  client.checkpoint(a);
}

void bad_digest(actor& client) {
  const auto file = file_of(sparse_content(2 * mib, 14));
  auto a = client.open("a", file);
  const auto wrong = a.writer->write(0, block_of(*file.content, 1), file.digests[0]);
  if (code_of(wrong) != errc::bad_digest) throw std::runtime_error("a wrong block was taken");
  client.send(a, 1);
  client.checkpoint(a);
  client.send(a, 0);
  client.finish(a);
}

void bad_digest_in_pieces(actor& client) {
  const auto file = file_of(sparse_content(2 * mib, 15));
  auto a = client.open("a", file);
  {
    auto block = value(a.writer->begin(0, mib, file.digests[0]));
    value(block.append(block_of(*file.content, 1)));
    if (block.finish()) throw std::runtime_error("a wrong block was taken");
  }
  client.send(a, 1);
  client.checkpoint(a);
}

void abort_upload(actor& client) {
  auto a = client.open("a", file_of(sparse_content(mib + 1, 16)));
  client.send_all(a);
  client.checkpoint(a);
  auto b = client.open("b", file_of(sparse_content(500, 17)));
  client.send_all(b);
  client.checkpoint(b);
  client.abort(a);
  client.finish(b);
}

void expiry(actor& client) {
  std::vector<std::string> ids;
  for (const auto* path : {"a", "b"}) {
    auto a = client.open(path, file_of(sparse_content(4000, 18)));
    client.send_all(a);
    client.checkpoint(a);
    ids.push_back(a.upload->id());
  }
  client.expire(ids);
}

// Of no use to anybody after a crash: nothing of it stays.
void small_file_bit_by_bit(actor& client) {
  const auto file = file_of(sparse_content(6000, 19));
  auto a = client.open("a", file, [](upload_request& wanted) { wanted.untold = true; });
  client.send_all(a);
  client.checkpoint(a);
  client.finish(a);
}

void many_at_once(actor& client) {
  std::vector<sending> all;
  for (const auto* path : {"a", "b", "c"}) {
    all.push_back(client.open(path, file_of(sparse_content(70'000, 20 + all.size()))));
  }
  for (auto& one : all) client.send_all(one);
  for (auto& one : all) client.checkpoint(one);
  for (auto& one : all) client.finish(one);
}

// Received and not told: the end of the server makes it durable.
void ended_in_order(actor& client) {
  auto a = client.open("a", file_of(sparse_content(2 * mib, 24)));
  client.send_all(a);
  client.server.uploads().drain();
}

void failed_sync(actor& client) {
  auto a = client.open("a", file_of(sparse_content(3 * mib, 25)));
  client.send(a, 0);
  client.checkpoint(a);
  client.send(a, 1);
  client.server.disk().fail_next(store::file_call::fdatasync, -EIO);
  if (checkpoint(*a.upload)) throw std::runtime_error("a failed sync was not told");
  client.server.site().store.readmit_volume();
  client.send(a, 2);
  client.checkpoint(a);
  client.send(a, 1);
  client.checkpoint(a);
  client.finish(a);
}

void first_start(actor& client) {
  auto a = client.open("a", file_of(sparse_content(3000, 26)));
  client.send_all(a);
  client.checkpoint(a);
}

}  // namespace

std::vector<workload> upload_workloads() {
  return {{"one_block", one_block},
          {"many_blocks", many_blocks},
          {"out_of_order", out_of_order},
          {"several_writers", several_writers},
          {"resume_after_restart", resume_after_restart},
          {"size_unknown", size_unknown},
          {"size_told_at_the_end", size_told_at_the_end},
          {"writing_goes_on", writing_goes_on},
          {"overwritten_while_syncing", overwritten_while_syncing},
          {"block_sent_differently", block_sent_differently},
          {"in_pieces", in_pieces},
          {"bad_digest", bad_digest},
          {"bad_digest_in_pieces", bad_digest_in_pieces},
          {"abort_upload", abort_upload},
          {"expiry", expiry},
          {"small_file_bit_by_bit", small_file_bit_by_bit},
          {"many_at_once", many_at_once},
          {"ended_in_order", ended_in_order},
          {"failed_sync", failed_sync},
          {.name = "first_start", .run = first_start, .from_nothing = true}};
}

}  // namespace sluice::transfer::test
