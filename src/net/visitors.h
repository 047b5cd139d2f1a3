// Whoever has something under way, for administrators who look.
#pragma once

#include <boost/intrusive/list.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/permission.h"

namespace sluice::net {

// Thread-safe; outlives its places.
class visitors {
 public:
  struct facts {
    base::caller_ptr who;
    std::string does;
    std::chrono::system_clock::time_point since;
    std::uint64_t received_bytes = 0;  // by the connection, since it was opened
    std::uint64_t sent_bytes = 0;      // that arrived
  };

  // One of them, for as long as it is here. It is in the list itself: to come and go needs no
  // memory, with every request of HTTP.
  class place : public boost::intrusive::list_base_hook<> {
   public:
    // `socket` is open until the place is gone, and what `does` shows is there.
    place(visitors& of, int socket, base::caller_ptr who, std::string_view does);
    ~place();
    place(const place&) = delete;
    place& operator=(const place&) = delete;
    void is(base::caller_ptr who);

   private:
    friend class visitors;
    visitors& of_;
    const int socket_;
    base::caller_ptr who_;
    const std::string_view does_;
    const std::chrono::system_clock::time_point since_;
  };

  visitors() = default;
  ~visitors() = default;
  visitors(const visitors&) = delete;
  visitors& operator=(const visitors&) = delete;

  // The first `most` of them, by their time, and how many there are.
  struct those {
    std::vector<facts> some;
    std::size_t count = 0;
  };
  [[nodiscard]] those look(std::size_t most) const;

 private:
  mutable std::mutex mutex_;
  boost::intrusive::list<place> all_;
};

}  // namespace sluice::net
