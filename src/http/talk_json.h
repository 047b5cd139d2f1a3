// Conversations as JSON: what /api and /live tell of messages, and what clients say (docs/api.md,
// "Talk").
#pragma once

#include <optional>
#include <string>

#include "http/api_json.h"
#include "talk/conversations.h"

namespace sluice::http {

// `own`: whoever it is told to said it.
[[nodiscard]] json to_json(const talk::message& what, bool own);
[[nodiscard]] json to_json(const talk::page& found, const std::string& account_id);
[[nodiscard]] json to_json(const talk::people& there);

// One piece of news as the text of a message. What many hear is made once for all of them.
[[nodiscard]] std::string telling(const talk::news& what, const std::string& account_id);

// Members of what a client says: 400 where one has another type.
[[nodiscard]] parsed<talk::draft> draft_of(const json& object);
[[nodiscard]] parsed<talk::amendment> amendment_of(const json& object);
// Absent, or null: none.
[[nodiscard]] parsed<std::optional<std::int64_t>> number_of(const json& object,
                                                            std::string_view name);
[[nodiscard]] parsed<std::optional<std::string>> optional_text_of(const json& object,
                                                                  std::string_view name);

}  // namespace sluice::http
