// What clients do to uploads that are written from the beginning to the end.
#include <algorithm>

#include "transfer/crash_explorer.h"

namespace sluice::transfer::test {

namespace {

void serial_append(actor& client) {
  const auto file = file_of(sparse_content(2 * mib + 300, 101));
  auto a = client.open_serially("a", file);
  for (const std::uint64_t until :
       {100UL, 5000UL, mib - 1, mib, mib + 70'000, file.content->size()}) {
    client.append(a, until);
    client.acknowledge(a);
  }
  client.finish(a);
}

// Every piece in a request of its own, and the catalog's own log in between.
void serial_small_pieces(actor& client) {
  const auto file = file_of(sparse_content(3000, 102));
  auto a = client.open_serially("a", file);
  for (std::uint64_t until = 500; until <= 3000; until += 500) {
    a = client.take_over(a);
    client.append(a, until, 100);
    client.acknowledge(a);
  }
  client.finish(a);
}

void serial_resume(actor& client) {
  const auto file = file_of(sparse_content(2 * mib, 103));
  auto a = client.open_serially("a", file);
  client.append(a, mib + 12'345);
  client.acknowledge(a);
  client.append(a, mib + 50'000);
  a.upload.reset();
  a.serial.reset();
  const auto id = value(client.server.catalog().read(
                            [](catalog::session& s) { return catalog::all_uploads(s); }))
                      .front()
                      .id;
  client.restart();
  a.upload = value(client.server.uploads().join(id)).upload;
  a = client.take_over(a);
  client.append(a, mib + 60'000);
  client.acknowledge(a);
  client.append(a, 2 * mib);
  client.finish(a);
}

// The older one received, and did not acknowledge; the newer one tells what is there.
void serial_fence(actor& client) {
  const auto file = file_of(sparse_content(mib + 9000, 104));
  auto a = client.open_serially("a", file);
  client.append(a, 4000);
  auto b = client.take_over(a);
  if (a.serial->append(block_of(*file.content, 1).first(10))) {
    throw std::runtime_error("the older one wrote behind the fence");
  }
  client.append(b, mib + 9000);
  auto c = client.take_over(b);
  client.finish(c);
}

void serial_writing_goes_on(actor& client) {
  auto a = client.open_serially("a", file_of(sparse_content(2 * mib, 105)));
  client.append(a, 5000);
  const auto acknowledge = [&] {
    value(test::checkpoint(*a.serial));
    const auto offset = a.upload->durable_bytes();
    client.told.tell([id = a.upload->id(), offset](expectation& e) {
      e.uploads.at(id).acknowledged_bytes = offset;
    });
  };
  client.server.disk().during_next(store::file_call::fdatasync, [&] { client.append(a, 9000); });
  acknowledge();
  client.server.disk().during_next(store::file_call::fdatasync,
                                   [&] { client.append(a, mib + 4000); });
  acknowledge();
  client.acknowledge(a);
}

void serial_deferred_length(actor& client) {
  const auto file = file_of(sparse_content(mib + 4000, 106));
  auto a =
      client.open_serially("a", file, [](upload_request& wanted) { wanted.size_bytes.reset(); });
  client.append(a, mib + 100);
  client.acknowledge(a);
  client.append(a, mib + 4000);
  client.declare(a, mib + 4000);
  client.acknowledge(a);
  client.finish(a);
}

void serial_length_at_the_end(actor& client) {
  const auto file = file_of(sparse_content(4000, 107));
  auto a =
      client.open_serially("a", file, [](upload_request& wanted) { wanted.size_bytes.reset(); });
  client.append(a, 4000);
  client.acknowledge(a);
  client.declare(a, 4000);
  client.finish(a);
}

void serial_held_back(actor& client) {
  const auto file = file_of(sparse_content(2 * mib, 108));
  auto a = client.open_serially("a", file);
  client.append(a, 6000);
  client.acknowledge(a);
  {
    auto wrong = a;
    wrong.file = file_of(sparse_content(2 * mib, 109));
    wrong.serial->hold_back();
    client.append(wrong, mib + 500);
    value(test::checkpoint(*wrong.serial));
  }
  a = client.take_over(a);
  a.serial->hold_back();
  client.append(a, mib + 700);
  value(a.serial->keep());
  client.acknowledge(a);
}

void serial_failed_sync(actor& client) {
  const auto file = file_of(sparse_content(2 * mib, 110));
  auto a = client.open_serially("a", file);
  client.append(a, 7000);
  client.acknowledge(a);
  client.append(a, mib + 7000);
  client.server.disk().fail_next(store::file_call::fdatasync, -EIO);
  if (test::checkpoint(*a.serial)) throw std::runtime_error("a failed sync was not told");
  client.server.site().store.readmit_volume();
  a = client.take_over(a);
  client.append(a, 2 * mib);
  client.acknowledge(a);
  client.finish(a);
}

void serial_abort(actor& client) {
  auto a = client.open_serially("a", file_of(sparse_content(5000, 111)));
  client.append(a, 3000);
  client.acknowledge(a);
  client.abort(a);
}

struct parted {
  known_file file;
  std::vector<sending> parts;
  std::vector<std::string> ids;
};

parted open_parts(actor& client, const std::vector<std::uint64_t>& sizes, std::uint64_t seed) {
  parted made;
  std::uint64_t size = 0;
  for (const auto one : sizes) size += one;
  made.file = file_of(sparse_content(size, seed));
  std::uint64_t at = 0;
  for (const auto one : sizes) {
    const auto begin = made.file.content->begin() + static_cast<std::ptrdiff_t>(at);
    const auto part = file_of(bytes(begin, begin + static_cast<std::ptrdiff_t>(one)));
    made.parts.push_back(client.open_serially("", part));
    made.ids.push_back(made.parts.back().upload->id());
    at += one;
  }
  return made;
}

sending open_joined(actor& client, const parted& of) {
  return client.open_serially("a", of.file, [&](upload_request& wanted) {
    wanted.form = catalog::upload_form::joined;
    wanted.size_bytes.reset();
    wanted.parts = of.ids;
  });
}

void send_part(actor& client, const sending& part) {
  client.append(part, part.file.content->size());
  client.acknowledge(part);
}

void concatenation(actor& client) {
  auto all = open_parts(client, {mib + 500, 3000}, 112);
  for (const auto& part : all.parts) send_part(client, part);
  client.join_parts(open_joined(client, all), all.parts);
}

void concatenation_of_unfinished(actor& client) {
  auto all = open_parts(client, {4000, 5000, 100}, 113);
  send_part(client, all.parts[1]);
  const auto whole = open_joined(client, all);
  send_part(client, all.parts[0]);
  if (value(client.server.uploads().join_parts(whole.upload->id()))) {
    throw std::runtime_error("it was done without a part");
  }
  send_part(client, all.parts[2]);
  client.join_parts(whole, all.parts);
}

void concatenation_goes_on(actor& client) {
  auto all = open_parts(client, {mib - 100, mib + 300}, 114);
  for (const auto& part : all.parts) send_part(client, part);
  const auto whole = open_joined(client, all);
  {
    const auto half = client.take_over(whole);
    client.declare(half, all.file.content->size());
    client.append(half, mib + 50);
    client.acknowledge(half);
  }
  client.join_parts(whole, all.parts);
}

}  // namespace

std::vector<workload> serial_workloads() {
  return {{"serial_append", serial_append},
          {"serial_small_pieces", serial_small_pieces},
          {"serial_resume", serial_resume},
          {"serial_fence", serial_fence},
          {"serial_writing_goes_on", serial_writing_goes_on},
          {"serial_deferred_length", serial_deferred_length},
          {"serial_length_at_the_end", serial_length_at_the_end},
          {"serial_held_back", serial_held_back},
          {"serial_failed_sync", serial_failed_sync},
          {"serial_abort", serial_abort},
          {.name = "concatenation", .run = concatenation, .recovery_too = true},
          {"concatenation_of_unfinished", concatenation_of_unfinished},
          {"concatenation_goes_on", concatenation_goes_on}};
}

}  // namespace sluice::transfer::test
