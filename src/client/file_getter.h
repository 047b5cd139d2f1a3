// The download of one file, whatever protocol brings it. Internal to get_file.cc and
// http_get_file.cc.
#pragma once

#include <memory>
#include <string>

#include "client/get_file.h"
#include "client/partial_file.h"

namespace sluice::client {

// What all downloads of a file have in common: what is here already, the partial file, the name.
// How content is compared and fetched is the protocol's.
class file_getter {
 public:
  file_getter(session& owner, url server, remote_entry file, int folder_fd, std::string name,
              const get_options& options)
      : session_(owner),
        server_(std::move(server)),
        file_(std::move(file)),
        streams_(options.streams),
        folder_fd_(folder_fd),
        name_(std::move(name)),
        overwrite_(options.overwrite) {}
  virtual ~file_getter() = default;
  file_getter(const file_getter&) = delete;
  file_getter& operator=(const file_getter&) = delete;

  // Once.
  awaitable<result<file_outcome>> run_all();

 protected:
  // Whether the file here, which has the right size, has the server's content.
  virtual awaitable<result<bool>> is_same(int fd) = 0;
  // Brings what is missing into `partial_`, checked.
  virtual awaitable<result<void>> fetch(file_outcome& outcome) = 0;

  session& session_;
  const url server_;
  const remote_entry file_;
  const unsigned streams_;
  partial_file partial_;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  awaitable<result<bool>> is_there_already();
  awaitable<result<void>> open_partial();
  awaitable<result<void>> publish();

  const int folder_fd_;
  const std::string name_;
  const bool overwrite_;
};

// http_get_file.cc
[[nodiscard]] std::unique_ptr<file_getter> make_http_getter(session& owner, url server,
                                                            remote_entry file, int folder_fd,
                                                            std::string name,
                                                            const get_options& options);

}  // namespace sluice::client
