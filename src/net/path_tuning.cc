#include "net/path_tuning.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <string_view>

namespace sluice::net {
namespace {

constexpr unsigned short_path_us = 500;

bool is_short_path(int fd) noexcept {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
  return info.tcpi_rtt > 0 && info.tcpi_rtt < short_path_us;
}

// What the system refuses costs memory, not correctness.
void set_low_water_of_unsent(tcp_socket& socket, int bytes) noexcept {
  (void)::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof bytes);
}

}  // namespace

void limit_unsent(tcp_socket& socket) noexcept {
  set_low_water_of_unsent(socket, static_cast<int>(unsent_bytes_max));
}

void lift_limit_of_unsent(tcp_socket& socket) noexcept {
  set_low_water_of_unsent(socket, 0);  // as the system has it
}

std::string congestion_control(tcp_socket& socket) {
  std::array<char, 16> name{};
  socklen_t size = name.size();
  if (::getsockopt(socket.native_handle(), IPPROTO_TCP, TCP_CONGESTION, name.data(), &size) != 0) {
    return {};
  }
  return name.data();
}

void tune(tcp_socket& socket) noexcept {
  boost::system::error_code ignored;
  socket.non_blocking(true, ignored);
  socket.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  limit_unsent(socket);
  if (!is_short_path(socket.native_handle()) || congestion_control(socket) != "bbr") return;
  for (const std::string_view name : {"cubic", "reno"}) {
    if (::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_CONGESTION, name.data(),
                     static_cast<socklen_t>(name.size())) == 0) {
      return;
    }
  }
}

}  // namespace sluice::net
