#include "client/event_reader.h"

#include <utility>

namespace sluice::client {

result<void> event_reader::add(std::string_view bytes) {
  text_.erase(0, std::exchange(begin_, 0));
  text_ += bytes;
  const auto last = text_.rfind('\n');
  const std::size_t unfinished = last == std::string::npos ? text_.size() : text_.size() - last - 1;
  if (unfinished > event_bytes_max || data_.size() > event_bytes_max) {
    return fail(errc::bad_frame, "an event of over 64 KiB");
  }
  return {};
}

std::optional<std::string> event_reader::next() {
  for (auto end = text_.find('\n', begin_); end != std::string::npos;
       end = text_.find('\n', begin_)) {
    auto line = std::string_view(text_).substr(begin_, end - begin_);
    if (line.ends_with('\r')) line.remove_suffix(1);
    begin_ = end + 1;
    if (!line.empty()) {
      take_line(line);
    } else if (std::exchange(has_data_, false)) {
      return std::exchange(data_, {});
    }
  }
  return std::nullopt;
}

void event_reader::take_line(std::string_view line) {
  constexpr std::string_view name = "data:";
  if (!line.starts_with(name)) return;  // a comment, an id, the kind, which the data says too
  line.remove_prefix(name.size());
  if (line.starts_with(' ')) line.remove_prefix(1);
  if (has_data_) data_ += '\n';
  has_data_ = true;
  data_ += line;
}

}  // namespace sluice::client
