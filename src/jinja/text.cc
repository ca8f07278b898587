#include "jinja/text.h"

#include <algorithm>

namespace chasqui::jinja {

bool Text::trusted_at(size_t at) const {
  const auto flips = std::upper_bound(edges_.begin(), edges_.end(), at) - edges_.begin();
  return first_trusted_ != (flips % 2 == 1);
}

void Text::append(std::string_view bytes, bool trusted) {
  if (bytes.empty()) return;
  if (bytes_.empty()) {
    first_trusted_ = trusted;
  } else if (trusted != (first_trusted_ != (edges_.size() % 2 == 1))) {
    edges_.push_back(bytes_.size());
  }
  bytes_ += bytes;
}

void Text::append(const Text& other) {
  other.each_run([this](std::string_view bytes, bool trusted) { append(bytes, trusted); });
}

void Text::append(const Text& other, size_t begin, size_t size) {
  if (other.edges_.empty()) {
    append(other.view().substr(begin, size), other.first_trusted_);
    return;
  }
  const size_t end = begin + size;
  auto edge = std::upper_bound(other.edges_.begin(), other.edges_.end(), begin);
  while (begin < end) {
    const size_t stop = edge == other.edges_.end() ? end : std::min(*edge++, end);
    append(other.view().substr(begin, stop - begin), other.trusted_at(begin));
    begin = stop;
  }
}

Text Text::substr(size_t begin, size_t size) const {
  Text out;
  out.append(*this, begin, std::min(size, bytes_.size() - begin));
  return out;
}

}  // namespace chasqui::jinja
