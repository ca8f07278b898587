// "a.b.0": the attribute or item that filters look at in each item of a sequence.
#pragma once

#include <charconv>
#include <vector>

#include "jinja/internal/operators.h"
#include "jinja/internal/text_work.h"

namespace chasqui::jinja {

class ItemPath {
 public:
  // Undefined or None: the item itself. An integer is an index.
  explicit ItemPath(const Value& path) {
    if (path.is(Kind::kInt)) keys_.push_back(path);
    if (!path.is(Kind::kString)) return;
    for (Text& part : split_by(path.text(), ".", -1, false)) {
      int64_t index = 0;
      const char* end = part.bytes().data() + part.size();
      const auto [rest, error] = std::from_chars(part.bytes().data(), end, index);
      const bool is_index = error == std::errc() && rest == end && index >= 0;
      keys_.push_back(is_index ? Value::integer(index) : Value::string(std::move(part)));
    }
  }

  Value of(Machine& machine, const Value& item) const {
    Value value = item;
    for (const Value& key : keys_) value = get_item(machine, value, key);
    return value;
  }

 private:
  std::vector<Value> keys_;
};

}  // namespace chasqui::jinja
