// What is typed into a conversation, and how what comes of it is shown. Pure functions.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/talk.h"

namespace sluice::cli {

// A line that was typed: something for the room, or one of the words that begin with '/'.
struct chat_line {
  enum class kind : std::uint8_t { nothing, wish, who, help, quit, mistake };
  kind what = kind::nothing;  // an empty line is nothing, and is not sent
  client::talk_wish wish{};
  std::string mistake{};  // what is wrong with it, and what would be right
};
[[nodiscard]] chat_line read_chat_line(std::string_view typed);

// "1:23.5", "90", "1:02:03.250" as milliseconds; nullopt for anything else.
[[nodiscard]] std::optional<std::uint64_t> parse_film_time(std::string_view text);
// "1:23.500"
[[nodiscard]] std::string film_time(std::uint64_t at_ms);

// A message as lines for people, not yet escaped: "[17] 12:03 anna @1:23.500: text". `is_known`:
// an earlier version of it was shown.
[[nodiscard]] std::vector<std::string> message_lines(const client::talk_message& what,
                                                     bool is_known);
[[nodiscard]] nlohmann::ordered_json message_event(const client::talk_message& what);
[[nodiscard]] std::string people_line(const std::vector<client::talk_person>& some,
                                      std::uint64_t count);

// What /help says.
[[nodiscard]] const std::vector<std::string>& chat_help();

}  // namespace sluice::cli
