// How files get their names.
#include "transfer/crash_explorer.h"

namespace sluice::transfer::test {

namespace {

void must_be(errc got, errc wanted, const char* what) {
  if (got != wanted) throw std::runtime_error(std::string(what) + ": another answer");
}

void publish(actor& client) {
  auto a =
      client.open("a", file_of(sparse_content(2 * mib + 77, 31), 1'500'000'000'000'000'001, true));
  client.send_all(a);
  client.checkpoint(a);
  must_be(client.finish(a), errc{}, "finish");
}

void publish_at_once(actor& client) {
  auto a = client.open("a", file_of(sparse_content(mib + 77, 32)));
  client.send_all(a);
  must_be(client.finish(a), errc{}, "finish");
}

void publish_nothing(actor& client) {
  auto a = client.open("a", file_of({}));
  must_be(client.finish(a), errc{}, "finish");
}

void make_parents(actor& client) {
  auto a = client.open("x/y/z/a", file_of(sparse_content(5000, 33)),
                       [](upload_request& wanted) { wanted.make_parents = true; });
  client.send_all(a);
  must_be(client.finish(a), errc{}, "finish");
}

void overwrite(actor& client) {
  const auto replaced = client.as_replaced("a");
  auto a = client.open("a", file_of(sparse_content(mib, 34)),
                       [&](upload_request& wanted) { wanted.replaces = replaced; });
  client.send_all(a);
  client.checkpoint(a);
  must_be(client.finish(a), errc{}, "finish");
}

void two_for_one_name(actor& client) {
  auto a = client.open("a", file_of(sparse_content(3000, 35)));
  auto b = client.open("a", file_of(sparse_content(9000, 36)));
  client.send_all(a);
  client.send_all(b);
  client.checkpoint(b);
  must_be(client.finish(a), errc{}, "finish");
  must_be(client.finish(b), errc::exists, "finish the second");
  client.checkpoint(b);
}

// The name was free when it was looked at, and is taken in the last moment.
void name_taken_late(actor& client) {
  auto a = client.open("a", file_of(sparse_content(3000, 37)));
  auto b = client.open("a", file_of(sparse_content(9000, 38)));
  client.send_all(a);
  client.send_all(b);
  client.checkpoint(b);
  client.server.disk().during_next(store::file_call::fsync, [&] { client.finish(a); });
  must_be(client.finish(b), errc::exists, "finish the second");
}

void failed_sync_at_the_end(actor& client) {
  auto a = client.open("a", file_of(sparse_content(mib + 100, 39)));
  client.send(a, 0);
  client.checkpoint(a);
  client.send(a, 1);
  client.server.disk().fail_next(store::file_call::fsync, -EIO);
  must_be(client.finish(a), errc::io, "finish");
  client.server.site().store.readmit_volume();
  auto again = client.join(a);
  client.send(again, 1);
  must_be(client.finish(again), errc{}, "finish again");
}

// A volume that takes a free name only by a link.
void publish_by_link(actor& client) {
  client.server.disk().no_noreplace = true;
  auto a = client.open("a", file_of(sparse_content(mib, 40)));
  client.send_all(a);
  must_be(client.finish(a), errc{}, "finish");
}

std::vector<actor::small> small_ones(std::size_t count, std::uint64_t seed) {
  std::vector<actor::small> all;
  all.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    all.push_back({.path = "f" + std::to_string(i),
                   .file = file_of(sparse_content(i == 0 ? 0 : 300 * i, seed + i))});
  }
  return all;
}

void small_files_one_by_one(actor& client) {
  for (const auto& one : small_ones(3, 50)) client.put_small({one});
}

void small_files_in_groups(actor& client) { client.put_small(small_ones(12, 60)); }

void small_files_with_names(actor& client) {
  client.server.disk().no_tmpfile = true;
  client.put_small(small_ones(4, 80));
}

void small_files_in_folders(actor& client) {
  auto files = small_ones(4, 90);
  for (std::size_t i = 0; i < files.size(); ++i) {
    files[i].path = "d" + std::to_string(i % 2) + "/e/" + files[i].path;
    files[i].make_parents = true;
  }
  client.put_small(files);
}

// What comes later relies on the folders that the first one made.
void small_file_again(actor& client) {
  const actor::small one{
      .path = "x/y/a", .file = file_of(sparse_content(600, 95)), .make_parents = true};
  client.put_small_in_vain(one);
  client.put_small({one});
}

void small_file_overwritten(actor& client) {
  client.put_small({{.path = "a", .file = file_of(sparse_content(900, 100)), .replaces = true}});
}

void small_files_overwritten(actor& client) {
  client.put_small({{.path = "a", .file = file_of(sparse_content(900, 101)), .replaces = true},
                    {.path = "b", .file = file_of(sparse_content(901, 102)), .replaces = true},
                    {.path = "c", .file = file_of(sparse_content(902, 103)), .replaces = true},
                    {.path = "d", .file = file_of(sparse_content(903, 104))}});
}

// Somebody puts a file under the name while no server runs.
void take_the_name(store::disk_image& found, expectation& expected) {
  auto& names = found.nodes.at(store::root_node).names;
  if (names.contains("a")) return;
  const auto stranger = file_of(sparse_content(50, 105), 1'400'000'000'000'000'000);
  auto content = std::make_shared<store::disk_content>();
  content->bytes = *stranger.content;
  constexpr store::node_id number = 900'000;
  names["a"] = number;
  found.nodes[number] = {.attributes = {.mode = 0644, .mtime_ns = stranger.mtime_ns},
                         .content = content};
  expected.must("a", holding(stranger));
  for (auto& [id, one] : expected.uploads) one.may_be_done = false;
}

place old_file(std::uint64_t seed) {
  return holding(file_of(sparse_content(2000 + seed, seed), 1'300'000'000'000'000'000));
}

}  // namespace

std::vector<workload> publishing_workloads() {
  const std::map<std::string, place> a{{"a", old_file(110)}};
  const std::map<std::string, place> abc{
      {"a", old_file(110)}, {"b", old_file(111)}, {"c", old_file(112)}};
  return {{.name = "publish", .run = publish, .recovery_too = true},
          {"publish_at_once", publish_at_once},
          {"publish_nothing", publish_nothing},
          {.name = "make_parents", .run = make_parents, .recovery_too = true},
          {.name = "overwrite", .run = overwrite, .before = a, .recovery_too = true},
          {"two_for_one_name", two_for_one_name},
          {"name_taken_late", name_taken_late},
          {"failed_sync_at_the_end", failed_sync_at_the_end},
          {.name = "publish_by_link", .run = publish_by_link, .recovery_too = true},
          {.name = "name_taken_meanwhile",
           .run = publish,
           .recovery_too = true,
           .between = take_the_name},
          {"small_files_one_by_one", small_files_one_by_one},
          {"small_files_in_groups", small_files_in_groups},
          {"small_files_with_names", small_files_with_names},
          {"small_files_in_folders", small_files_in_folders},
          {"small_file_again", small_file_again},
          {"small_file_overwritten", small_file_overwritten, a},
          {"small_files_overwritten", small_files_overwritten, abc}};
}

}  // namespace sluice::transfer::test
