#include "cli/grants.h"

namespace sluice::cli {

result<access::grant> parse_grant(const std::string& text) {
  const auto equals = text.rfind('=');
  const auto rights = equals == std::string::npos
                          ? std::nullopt
                          : access::parse_rights(std::string_view(text).substr(equals + 1));
  if (!rights) {
    return fail(errc::invalid_argument,
                "read the grant \"" + text + "\": the form is PATH=RIGHTS, as in /in=see,give");
  }
  return access::grant{std::string(access::plain(std::string_view(text).substr(0, equals))),
                       *rights};
}

result<std::vector<access::grant>> parse_grants(const std::vector<std::string>& texts) {
  std::vector<access::grant> all;
  for (const auto& text : texts) {
    auto one = parse_grant(text);
    if (!one) return std::unexpected(one.error());
    all.push_back(std::move(*one));
  }
  return all;
}

std::string to_text(const access::grant& one) {
  return "/" + one.path + "=" + access::to_text(one.what);
}

}  // namespace sluice::cli
