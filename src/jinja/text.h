// A string that remembers, byte by byte, who wrote it: the template (trusted), or somebody whose
// values were put into it (untrusted). A prompt is made of such strings, so that a control token
// spelled in a message stays what it is, words, however a template strips, splits or joins it.
//
// Most strings have one author; those carry no list and cost a flag. Values; not synchronised.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace chasqui::jinja {

class Text {
 public:
  Text() = default;
  Text(std::string bytes, bool trusted) : bytes_(std::move(bytes)), first_trusted_(trusted) {}

  const std::string& bytes() const { return bytes_; }
  std::string_view view() const { return bytes_; }
  size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }

  // Whether the template wrote every byte; an empty text is trusted.
  bool trusted() const { return empty() || (first_trusted_ && edges_.empty()); }
  // Whether the template wrote the byte at `at`. REQUIRES: at < size().
  bool trusted_at(size_t at) const;

  void append(std::string_view bytes, bool trusted);
  void append(const Text& other);
  // Appends bytes [begin, begin + size) of `other`, which must lie within it.
  void append(const Text& other, size_t begin, size_t size);
  // Bytes [begin, begin + size), which must lie within the text.
  Text substr(size_t begin, size_t size = std::string::npos) const;
  void reserve(size_t bytes) { bytes_.reserve(bytes); }

  // Calls take(std::string_view bytes, bool trusted) for each longest run of one author, in order.
  template <typename Take>
  void each_run(const Take& take) const {
    size_t begin = 0;
    bool trusted = first_trusted_;
    for (const size_t edge : edges_) {
      take(view().substr(begin, edge - begin), trusted);
      begin = edge;
      trusted = !trusted;
    }
    if (begin < size()) take(view().substr(begin), trusted);
  }

  // Bytes alone; who wrote them does not make texts differ.
  friend bool operator==(const Text& a, const Text& b) { return a.bytes_ == b.bytes_; }

 private:
  std::string bytes_;
  bool first_trusted_ = true;
  // Where the author changes: strictly increasing, each in (0, size()).
  std::vector<size_t> edges_;
};

}  // namespace chasqui::jinja
