// For tests of crashes: whether a server that was started on what a crash left holds its promises.
#pragma once

#include <string>
#include <vector>

#include "transfer/crash_machine.h"
#include "transfer/crash_story.h"

namespace sluice::transfer::test {

// What is broken, a line each; the machine has been opened.
[[nodiscard]] std::vector<std::string> violations(machine& server, const expectation& expected);

// All names with their sizes, and the rows of uploads: the same as long as nothing happens.
[[nodiscard]] std::string contents_of(machine& server);

// "" where one more upload and one more small file arrive.
[[nodiscard]] std::string use_once(machine& server);

}  // namespace sluice::transfer::test
