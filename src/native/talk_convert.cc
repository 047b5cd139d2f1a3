#include "native/talk_convert.h"

#include <limits>

#include "net/address_key.h"

namespace sluice::native {
namespace {

// Places in talk::spoken::form; /live has the first two.
constexpr std::size_t form_own = 2;
constexpr std::size_t form_others = 3;

// What no message can have stays out of range.
std::int64_t signed_of(std::uint64_t value) {
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(std::min(value, most));
}

}  // namespace

talk::person person_of(service& shared, const base::caller& who, const std::string& name,
                       const tcp_endpoint& from) {
  std::string account = who.is_known() ? shared.gate.accounts().name_of(who.id()) : "";
  return talk::person_of(who, std::move(account), name, net::address_key(from));
}

v1::TalkMessage to_wire(const talk::message& what, bool own) {
  v1::TalkMessage told;
  told.set_path(what.path);
  told.set_id(static_cast<std::uint64_t>(what.id));
  told.set_version(static_cast<std::uint64_t>(what.version));
  told.set_author(what.author);
  told.set_guest(what.guest);
  told.set_mine(own);
  told.set_time_ms(what.time_ms);
  told.set_text(what.text);
  if (what.at_ms) told.set_at_ms(static_cast<std::uint64_t>(*what.at_ms));
  if (what.until_ms) told.set_until_ms(static_cast<std::uint64_t>(*what.until_ms));
  if (what.reply_to) told.set_reply_to(static_cast<std::uint64_t>(*what.reply_to));
  told.set_resolved(what.resolved);
  told.set_edited(what.edited);
  told.set_deleted(what.deleted);
  told.set_drawing(what.drawing);
  return told;
}

talk::draft draft_of(const v1::TalkSay& said) {
  talk::draft made{.text = said.text(), .drawing = said.drawing(), .nonce = said.nonce()};
  if (said.has_at_ms()) made.at_ms = signed_of(said.at_ms());
  if (said.has_until_ms()) made.until_ms = signed_of(said.until_ms());
  if (said.has_reply_to()) made.reply_to = signed_of(said.reply_to());
  return made;
}

talk::amendment amendment_of(const v1::TalkAmend& wanted) {
  talk::amendment made{
      .id = signed_of(wanted.id()), .deleted = wanted.deleted(), .nonce = wanted.nonce()};
  if (wanted.has_text()) made.text = wanted.text();
  if (wanted.has_resolved()) made.resolved = wanted.resolved();
  return made;
}

talk::question question_of(const v1::TalkRead& asked) {
  talk::question made;
  if (asked.limit() > 0) made.limit = asked.limit();
  if (asked.has_before()) made.before = signed_of(asked.before());
  if (asked.has_after_version()) made.after_version = signed_of(asked.after_version());
  if (asked.has_search()) made.search = asked.search();
  return made;
}

void add_people(v1::TalkNews& to, const talk::people& there) {
  to.set_count(static_cast<std::uint32_t>(there.count));
  for (const auto& each : there.named) {
    auto* one = to.add_people();
    one->set_name(each.name);
    one->set_guest(each.guest);
  }
}

const std::string& news_body(const talk::spoken& said, bool own) {
  return said.form(own ? form_own : form_others, [own](const talk::message& what) {
    v1::TalkNews told;
    told.set_what(v1::TALK_MESSAGES);
    told.set_path(what.path);
    *told.add_messages() = to_wire(what, own);
    return told.SerializeAsString();
  });
}

}  // namespace sluice::native
