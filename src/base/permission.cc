#include "base/permission.h"

namespace sluice::base {

std::string_view name_of(right one) noexcept {
  switch (one) {
    case right::see: return "see";
    case right::take: return "take";
    case right::give: return "give";
    case right::change: return "change";
    case right::talk: return "talk";
    case right::admin: return "admin";
  }
  return "no right";
}

const origin& caller::from() const noexcept {
  static const origin nowhere;
  return nowhere;
}

void caller::note_refusal(right, std::string_view) const {}

error refusal(const caller& by, right wanted, std::string_view path) {
  by.note_refusal(wanted, path);
  const std::string where = path.empty() ? "/" : std::string(path);
  // Who may do nothing at all, as after a token was revoked, learns nothing by hearing so.
  const bool is_guest = by.is_known() && !by.may_below({}).is_none();
  if (is_guest && !by.may(path).has(right::see)) return {errc::not_found, "find " + where};
  std::string why = "the right to " + std::string(name_of(wanted)) + " in " + where;
  why += by.is_known() ? " is missing" : " needs a login";
  return {errc::not_allowed, std::move(why)};
}

class unlimited_caller final : public caller {
 public:
  [[nodiscard]] rights may(std::string_view) const override { return rights::all(); }
  [[nodiscard]] rights may_below(std::string_view) const override { return rights::all(); }
  [[nodiscard]] std::uint64_t generation() const noexcept override { return 1; }
  [[nodiscard]] const std::string& id() const noexcept override { return id_; }

 private:
  const std::string id_;
};

caller_ptr caller_unasked() {
  static const caller_ptr only = std::make_shared<unlimited_caller>();
  return only;
}

}  // namespace sluice::base
