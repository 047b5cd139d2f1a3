// The head of a response, and its body where that is text.
#pragma once

#include <string>
#include <string_view>

#include "http/problem.h"

namespace sluice::http {

// Field lines that are always the same, each with its CRLF.
class fixed_fields {
 public:
  consteval explicit fixed_fields(std::string_view lines)
      : lines_(lines.ends_with("\r\n") ? lines : throw "a field line ends in CRLF"),
        has_policy_(lines.contains("Content-Security-Policy: ")) {}

  [[nodiscard]] constexpr std::string_view lines() const noexcept { return lines_; }
  [[nodiscard]] constexpr bool has_policy() const noexcept { return has_policy_; }

 private:
  std::string_view lines_;
  bool has_policy_;
};

// A value, made by a handler, sent by the exchange. Date, Server, Content-Length,
// Transfer-Encoding, Connection and the fields that every response has are the exchange's own and
// not to be set.
class response {
 public:
  explicit response(status code) : code_(code) {}
  response(const problem& why);  // NOLINT(google-explicit-constructor): it is what it says

  // Adds a field line. Bytes that no value may have (CR, LF, NUL) become spaces.
  response& add(std::string_view name, std::string_view value);
  response& add(fixed_fields some);

  // The whole body, with its type.
  response& with(std::string body, std::string_view type);

  [[nodiscard]] status code() const noexcept { return code_; }
  [[nodiscard]] const std::string& lines() const noexcept { return lines_; }
  [[nodiscard]] const std::string& body() const noexcept { return body_; }
  [[nodiscard]] bool has_policy() const noexcept { return has_policy_; }

 private:
  status code_;
  std::string lines_;  // "Name: value\r\n" each
  std::string body_;
  bool has_policy_ = false;  // a Content-Security-Policy of its own
};

}  // namespace sluice::http
