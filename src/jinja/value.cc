#include "jinja/value.h"

#include <algorithm>

#include "jinja/internal/operators.h"

namespace chasqui::jinja {
namespace {

// Below this many entries a walk is faster than hashing.
constexpr size_t kIndexFrom = 9;

}  // namespace

Value Value::integer(int64_t value, Origin origin) {
  Value out{Storage(value)};
  out.trusted_ = origin == Origin::kTemplate;
  return out;
}

Value Value::number(double value, Origin origin) {
  Value out{Storage(value)};
  out.trusted_ = origin == Origin::kTemplate;
  return out;
}

Value Value::string(std::string bytes, Origin origin) {
  return string(Text(std::move(bytes), origin == Origin::kTemplate));
}

Value Value::string(Text text, bool markup) {
  return Value(Storage(std::make_shared<const String>(String{std::move(text), markup})));
}

Value Value::list(std::vector<Value> items, ListKind kind) {
  int depth = 0;
  for (const Value& item : items) depth = std::max(depth, item.depth());
  if (depth >= kMaxDepth) return {};
  return Value(Storage(std::make_shared<const List>(List{std::move(items), kind, depth + 1})));
}

Value Value::dict(std::vector<std::pair<Value, Value>> entries) {
  auto made = std::make_shared<const Dict>(std::move(entries));
  if (made->depth() > kMaxDepth) return {};
  return Value(Storage(std::move(made)));
}

int Value::depth() const {
  if (is(Kind::kList)) return as_list().depth;
  if (is(Kind::kDict)) return as_dict().depth();
  return 0;
}

Value Value::with_trust(bool trusted) const {
  Value out = *this;
  out.trusted_ = trusted;
  return out;
}

bool Value::same_as(const Value& other) const {
  if (kind() != other.kind()) return false;
  switch (kind()) {
    case Kind::kString:
      return &as_string() == &other.as_string();
    case Kind::kList:
      return &as_list() == &other.as_list();
    case Kind::kDict:
      return &as_dict() == &other.as_dict();
    case Kind::kObject:
      return &as_object() == &other.as_object();
    default:
      return false;
  }
}

Dict::Dict(std::vector<Entry> entries) {
  entries_.reserve(entries.size());
  for (Entry& entry : entries) {
    const Value* known = find(entry.first);
    if (known != nullptr) {
      *const_cast<Value*>(known) = std::move(entry.second);
      continue;
    }
    entries_.push_back(std::move(entry));
    const size_t place = entries_.size() - 1;
    if (!entries_.back().first.is(Kind::kString)) ++other_keys_;
    if (entries_.size() < kIndexFrom) continue;
    // Keys live in shared strings, so views of them outlast a move of the entries.
    for (size_t at = places_.empty() ? 0 : place; at <= place; ++at) {
      if (entries_[at].first.is(Kind::kString)) places_.emplace(entries_[at].first.view(), at);
    }
  }
  for (const auto& [key, value] : entries_) {
    depth_ = std::max({depth_, key.depth() + 1, value.depth() + 1});
  }
}

const Value* Dict::find(std::string_view key) const {
  if (entries_.size() >= kIndexFrom) {
    const auto place = places_.find(key);
    return place == places_.end() ? nullptr : &entries_[place->second].second;
  }
  for (const auto& [known, value] : entries_) {
    if (known.is(Kind::kString) && known.view() == key) return &value;
  }
  return nullptr;
}

const Value* Dict::find(const Value& key) const {
  if (key.is(Kind::kString)) return find(key.view());
  return other_keys_ == 0 ? nullptr : find_other(key);
}

const Value* Dict::find_other(const Value& key) const {
  for (const auto& [known, value] : entries_) {
    if (!known.is(Kind::kString) && equal(known, key)) return &value;
  }
  return nullptr;
}

}  // namespace chasqui::jinja
