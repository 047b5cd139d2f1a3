// May somebody do something with a path? The question, and the proof that it was asked.
//
// Every use case takes a `permitted` instead of a path. It has one maker, `permit`, which asks; so
// a verb that does not ask does not compile. Who is asked is a `caller`: the access room makes
// those of clients. Values and shared objects; any thread; nothing here does I/O.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "sluice/error.h"

namespace sluice::access {
class visitor;
}

namespace sluice::base {

enum class right : std::uint8_t {
  see = 1,     // names, sizes and times, and what happens to them
  take = 2,    // content
  give = 4,    // new content under a free name
  change = 8,  // replace, rename, remove
  talk = 16,
  admin = 32,  // all of these, and who may do what
};

// A set of rights. Whoever has `admin` has all.
class rights {
 public:
  static constexpr unsigned all_bits = 63;

  constexpr rights() = default;
  constexpr rights(std::initializer_list<right> some) {
    unsigned bits = 0;
    for (const auto one : some) bits |= static_cast<unsigned>(one);
    *this = from_bits(bits);
  }
  // Bits that no right has are dropped.
  [[nodiscard]] static constexpr rights from_bits(unsigned bits) noexcept {
    rights made;
    const bool is_admin = (bits & static_cast<unsigned>(right::admin)) != 0;
    made.bits_ = static_cast<std::uint8_t>(is_admin ? all_bits : bits & all_bits);
    return made;
  }
  [[nodiscard]] static constexpr rights all() noexcept { return from_bits(all_bits); }

  [[nodiscard]] constexpr bool has(right one) const noexcept {
    return (bits_ & static_cast<unsigned>(one)) != 0;
  }
  [[nodiscard]] constexpr bool has_all(rights some) const noexcept {
    return (bits_ & some.bits_) == some.bits_;
  }
  [[nodiscard]] constexpr bool is_none() const noexcept { return bits_ == 0; }
  [[nodiscard]] constexpr unsigned bits() const noexcept { return bits_; }

  friend constexpr rights operator&(rights a, rights b) noexcept {
    return from_bits(static_cast<unsigned>(a.bits_) & b.bits_);
  }
  friend constexpr rights operator|(rights a, rights b) noexcept {
    return from_bits(static_cast<unsigned>(a.bits_) | b.bits_);
  }
  friend constexpr bool operator==(rights, rights) = default;

 private:
  std::uint8_t bits_ = 0;
};

// "see", "take", ...
[[nodiscard]] std::string_view name_of(right one) noexcept;

// Where a request comes from, for the record of what was done.
struct origin {
  std::string address{};        // without its port; "": from no network
  std::string_view protocol{};  // a literal: "native", "files", "tus", ...
};

// Somebody for whom something is done. Shared by all that is done for it. An answer may be another
// one with every call: rights are given and taken while transfers run.
class caller {
 public:
  virtual ~caller() = default;
  caller(const caller&) = delete;
  caller& operator=(const caller&) = delete;

  // With the path, as in a request: one '/' before it and one behind it are dropped. A path that is
  // none is for who opens it to refuse.
  [[nodiscard]] virtual rights may(std::string_view path) const = 0;
  // With the path or with anything below it; of "" with anything at all.
  [[nodiscard]] virtual rights may_below(std::string_view path) const = 0;
  // Another number than before, whenever another answer is possible.
  [[nodiscard]] virtual std::uint64_t generation() const noexcept = 0;
  // Whose uploads are its own: an opaque id, never a secret. "": anybody's.
  [[nodiscard]] virtual const std::string& id() const noexcept = 0;

  // For people: the account's name, "link " and its id, "" for a stranger. May take a lock.
  [[nodiscard]] virtual std::string name() const { return {}; }
  [[nodiscard]] virtual const origin& from() const noexcept;
  // It was not allowed to. For the record; may only queue.
  virtual void note_refusal(right wanted, std::string_view path) const;

  // False: nobody knows who it is, and it may help to say so.
  [[nodiscard]] bool is_known() const noexcept { return !id().empty(); }

 private:
  friend class access::visitor;
  friend class unlimited_caller;
  caller() = default;
};
using caller_ptr = std::shared_ptr<const caller>;

// A path, and that `by` may do `R` with it: it was asked when this was made.
template <right R>
class permitted {
 public:
  // As it was asked for.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] const caller_ptr& by() const noexcept { return by_; }

  // Asks again, and costs next to nothing while nobody's rights changed. For long work, before it
  // tells that something is done.
  [[nodiscard]] bool still_holds() const {
    if (by_->generation() == asked_at_) return true;
    return (anywhere_ ? by_->may_below(path_) : by_->may(path_)).has(R);
  }

 private:
  template <right Q>
  friend result<permitted<Q>> permit(caller_ptr by, std::string path);
  template <right Q>
  friend std::optional<permitted<Q>> try_permit(caller_ptr by, std::string path);
  template <right Q>
  friend result<permitted<Q>> permit_anywhere(caller_ptr by);
  template <right Q>
  friend permitted<Q> permit_unasked(std::string path);

  permitted(caller_ptr by, std::string path, bool anywhere)
      : by_(std::move(by)),
        path_(std::move(path)),
        asked_at_(by_->generation()),
        anywhere_(anywhere) {}

  caller_ptr by_;
  std::string path_;
  std::uint64_t asked_at_;
  bool anywhere_;
};

// Why not. not_allowed; not_found where a known caller may not even see what is there, so that it
// cannot tell what is. Recorded.
[[nodiscard]] error refusal(const caller& by, right wanted, std::string_view path);

// Asks. Errors as `refusal`.
template <right R>
[[nodiscard]] result<permitted<R>> permit(caller_ptr by, std::string path) {
  permitted<R> asked(std::move(by), std::move(path), false);  // its generation is from before
  if (asked.by_->may(asked.path_).has(R)) return asked;
  return std::unexpected(refusal(*asked.by_, R, asked.path_));
}

// For who does something else where it may not: no refusal is recorded.
template <right R>
[[nodiscard]] std::optional<permitted<R>> try_permit(caller_ptr by, std::string path) {
  permitted<R> asked(std::move(by), std::move(path), false);
  if (!asked.by_->may(asked.path_).has(R)) return std::nullopt;
  return asked;
}

// For what has no path: whoever may do it with some path.
template <right R>
[[nodiscard]] result<permitted<R>> permit_anywhere(caller_ptr by) {
  permitted<R> asked(std::move(by), {}, true);
  if (asked.by_->may_below({}).has(R)) return asked;
  return std::unexpected(refusal(*asked.by_, R, {}));
}

// Who may do all, and whose uploads are anybody's. For tools that work on a folder without a
// server, and for unit tests; tests/house.py holds this name, and the next one, against a list of
// files.
[[nodiscard]] caller_ptr caller_unasked();

template <right R>
[[nodiscard]] permitted<R> permit_unasked(std::string path) {
  return permitted<R>(caller_unasked(), std::move(path), false);
}

}  // namespace sluice::base
