#include "net/parking.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/write.hpp>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::net {
namespace {

using clock = std::chrono::steady_clock;
constexpr std::chrono::hours long_time{24};

class guest final : public parked {
 public:
  guest(int& there, std::function<void(tcp_socket)> on_resume)
      : there_(there), on_resume_(std::move(on_resume)) {
    ++there_;
  }
  ~guest() override { --there_; }
  void resume(tcp_socket socket) override { on_resume_(std::move(socket)); }

 private:
  int& there_;
  std::function<void(tcp_socket)> on_resume_;
};

// Pairs of sockets; the far one of each is to be parked.
class Parking : public testing::Test {
 protected:
  void open(std::size_t count) {
    tcp_acceptor acceptor(io_.get_executor(),
                          tcp_endpoint(boost::asio::ip::address_v6::loopback(), 0));
    for (std::size_t i = 0; i < count; ++i) {
      tcp_socket peer(io_.get_executor());
      peer.connect(acceptor.local_endpoint());
      near_.push_back(std::move(peer));
      far_.push_back(acceptor.accept());
    }
  }

  void park_all(clock::time_point until) {
    for (std::size_t i = 0; i < far_.size(); ++i) {
      park(std::move(far_[i]),
           std::make_unique<guest>(there_,
                                   [this, i](tcp_socket socket) { resumed(i, std::move(socket)); }),
           until);
    }
  }

  void resumed(std::size_t number, tcp_socket socket) {
    std::string got(100, '\0');
    boost::system::error_code failed;
    got.resize(socket.read_some(boost::asio::buffer(got), failed));
    woken_.emplace_back(number, failed == boost::asio::error::eof ? "left" : got);
    if (woken_.size() == expected_) close_parked(io_);
  }

  // What the peer of a closed socket sees.
  static bool is_closed(tcp_socket& peer) {
    boost::system::error_code failed;
    char byte = 0;
    peer.read_some(boost::asio::buffer(&byte, 1), failed);
    return failed == boost::asio::error::eof || failed == boost::asio::error::connection_reset;
  }

  boost::asio::io_context io_{1};
  std::vector<tcp_socket> near_;
  std::vector<tcp_socket> far_;
  int there_ = 0;
  std::size_t expected_ = 0;
  std::vector<std::pair<std::size_t, std::string>> woken_;
};

TEST_F(Parking, wakes_those_whose_peers_speak_or_leave_and_no_others) {
  open(200);  // more than one turn takes
  expected_ = 150;
  for (std::size_t i = 0; i < 149; ++i)
    boost::asio::write(near_[i], boost::asio::buffer("word", 4));
  near_[149].close();
  park_all(clock::now() + long_time);
  EXPECT_EQ(there_, 200);
  io_.run();
  EXPECT_EQ(there_, 0);
  ASSERT_EQ(woken_.size(), 150U);
  std::ranges::sort(woken_);
  for (std::size_t i = 0; i < 149; ++i) EXPECT_EQ(woken_[i], std::pair(i, std::string("word")));
  EXPECT_EQ(woken_[149], std::pair(std::size_t{149}, std::string("left")));
  for (std::size_t i = 150; i < 200; ++i) EXPECT_TRUE(is_closed(near_[i])) << i;
}

TEST_F(Parking, takes_a_connection_as_often_as_it_comes) {
  open(1);
  expected_ = 0;
  int rounds = 0;
  std::function<void(tcp_socket)> again = [&](tcp_socket socket) {
    char byte = 0;
    socket.read_some(boost::asio::buffer(&byte, 1));
    EXPECT_EQ(byte, 'a' + rounds);
    if (++rounds == 20) return;
    park(std::move(socket), std::make_unique<guest>(there_, again), clock::now() + long_time);
    const char next = static_cast<char>('a' + rounds);
    boost::asio::write(near_[0], boost::asio::buffer(&next, 1));
  };
  boost::asio::write(near_[0], boost::asio::buffer("a", 1));
  park(std::move(far_[0]), std::make_unique<guest>(there_, again), clock::now() + long_time);
  io_.run();  // ends: nobody is left to wait for
  EXPECT_EQ(rounds, 20);
  EXPECT_EQ(there_, 0);
}

TEST_F(Parking, closes_who_was_silent_for_too_long) {
  open(3);
  park_all(clock::now());
  io_.run();
  EXPECT_EQ(there_, 0);
  EXPECT_TRUE(woken_.empty());
  for (auto& peer : near_) EXPECT_TRUE(is_closed(peer));
}

TEST_F(Parking, lets_nobody_in_once_it_is_closed) {
  open(2);
  close_parked(io_);
  park_all(clock::now() + long_time);
  EXPECT_EQ(there_, 0);
  for (auto& peer : near_) EXPECT_TRUE(is_closed(peer));
  io_.run();
}

TEST_F(Parking, ends_with_its_io_context) {
  tcp_socket peer(io_.get_executor());
  {
    boost::asio::io_context other(1);
    tcp_acceptor acceptor(other.get_executor(),
                          tcp_endpoint(boost::asio::ip::address_v4::loopback(), 0));
    peer.connect(acceptor.local_endpoint());
    park(acceptor.accept(), std::make_unique<guest>(there_, [](tcp_socket) {}),
         clock::now() + long_time);
    EXPECT_EQ(there_, 1);
  }
  EXPECT_EQ(there_, 0);
  EXPECT_TRUE(is_closed(peer));
}

}  // namespace
}  // namespace sluice::net
