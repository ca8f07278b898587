// Attributes, items and slices.
#include <algorithm>

#include "jinja/internal/fault.h"
#include "jinja/internal/operators.h"
#include "jinja/internal/print.h"
#include "jinja/internal/unicode.h"

namespace chasqui::jinja {
namespace {

bool is_reflection(std::string_view name) {
  return name.size() > 4 && name.starts_with("__") && name.ends_with("__");
}

Value unsafe_attribute(Kind owner, std::string_view name) {
  return Value::undefined(
      {std::make_shared<const std::string>(name), owner, Undefined::Why::kUnsafe});
}

// What Python's getattr() would find; nullopt where it finds nothing.
std::optional<Value> real_attribute(Machine& machine, const Value& value, std::string_view name) {
  const Kind kind = value.kind();
  if (is_reflection(name) || is_forbidden_method(kind, name)) return unsafe_attribute(kind, name);
  if (kind == Kind::kObject) return value.as_object().attribute(name);
  if (const Row* method = find_method(kind, name)) {
    return Value::object(&machine.make<FunctionObject>(*method, value));
  }
  return std::nullopt;
}

// What `value[key]` finds; nullopt where Python raises LookupError or TypeError.
std::optional<Value> real_item(const Value& value, const Value& key) {
  if (value.is(Kind::kDict)) {
    const Value* found = value.as_dict().find(key);
    return found != nullptr ? std::optional(*found) : std::nullopt;
  }
  if (!key.is(Kind::kInt) && !key.is(Kind::kBool)) return std::nullopt;
  const bool is_list = value.is(Kind::kList) && value.as_list().kind <= ListKind::kRange;
  if (!is_list && !value.is(Kind::kString)) return std::nullopt;
  const auto size = static_cast<int64_t>(length(value));
  int64_t at = key.is(Kind::kInt) ? key.as_int() : (key.as_bool() ? 1 : 0);
  if (at < 0) at += size;
  if (at < 0 || at >= size) return std::nullopt;
  if (is_list) return value.items()[static_cast<size_t>(at)];
  const Text& text = value.text();
  if (is_ascii(text.view())) return Value::string(text.substr(static_cast<size_t>(at), 1));
  size_t begin = 0;
  for (; at > 0; --at) begin += char_bytes(text.view().substr(begin));
  return Value::string(text.substr(begin, char_bytes(text.view().substr(begin))));
}

// One bound of a slice as an integer; nullopt for None.
std::optional<int64_t> bound_of(const Value& value) {
  if (value.is(Kind::kNone)) return std::nullopt;
  if (value.is(Kind::kInt)) return value.as_int();
  if (value.is(Kind::kBool)) return value.as_bool() ? 1 : 0;
  require_defined(value);
  type_fault("slice indices must be integers or None");
}

// Python's rules for bounds beyond the ends.
int64_t clamp_bound(std::optional<int64_t> bound, int64_t size, bool forward, bool is_begin) {
  const int64_t low = forward ? 0 : -1;
  const int64_t high = forward ? size : size - 1;
  if (!bound) return forward == is_begin ? low : high;
  const int64_t from_front = *bound < 0 ? *bound + size : *bound;
  return std::clamp(from_front, low, high);
}

// The places that a slice of `size` items takes, in order.
std::vector<size_t> slice_places(int64_t size, const SliceBounds& bounds) {
  const int64_t step = bound_of(bounds.step).value_or(1);
  if (step == 0) type_fault("slice step cannot be zero");
  const int64_t begin = clamp_bound(bound_of(bounds.begin), size, step > 0, true);
  const int64_t end = clamp_bound(bound_of(bounds.end), size, step > 0, false);
  std::vector<size_t> places;
  int64_t at = begin;
  while (step > 0 ? at < end : at > end) {
    places.push_back(static_cast<size_t>(at));
    if (__builtin_add_overflow(at, step, &at)) break;
  }
  return places;
}

Text slice_text(const Text& text, const SliceBounds& bounds) {
  const std::vector<size_t> offsets = char_offsets(text.view());
  const std::vector<size_t> places = slice_places(static_cast<int64_t>(offsets.size()) - 1, bounds);
  if (places.empty()) return {};
  if (bound_of(bounds.step).value_or(1) == 1) {
    const size_t begin = offsets[places.front()];
    return text.substr(begin, offsets[places.back() + 1] - begin);
  }
  Text out;
  for (const size_t place : places) {
    out.append(text, offsets[place], offsets[place + 1] - offsets[place]);
  }
  return out;
}

}  // namespace

Value get_attribute(Machine& machine, const Value& value, std::string_view name) {
  require_defined(value);
  if (auto found = real_attribute(machine, value, name)) return *found;
  if (value.is(Kind::kDict)) {
    const Value* item = value.as_dict().find(name);
    if (item != nullptr) return *item;
  }
  return missing_attribute(value.kind(), name);
}

Value get_item(Machine& machine, const Value& value, const Value& key) {
  require_defined(value);
  if (value.is(Kind::kString)) machine.work(value.view().size());
  if (auto found = real_item(value, key)) return *found;
  if (key.is(Kind::kString)) {
    if (auto found = real_attribute(machine, value, key.view())) return *found;
  }
  machine.work(1024);  // a message is made
  return missing_attribute(value.kind(), to_text(machine, key).view());
}

Value slice(Machine& machine, const Value& value, const SliceBounds& bounds) {
  require_defined(value);
  if (value.is(Kind::kString)) {
    machine.charge(value.view().size());
    return Value::string(slice_text(value.text(), bounds), value.as_string().markup);
  }
  if (!value.is(Kind::kList) || value.as_list().kind > ListKind::kRange) {
    return missing_attribute(value.kind(), "slice");
  }
  const std::vector<Value>& items = value.items();
  machine.charge(items.size() * sizeof(size_t));
  std::vector<Value> out;
  for (const size_t place : slice_places(static_cast<int64_t>(items.size()), bounds)) {
    out.push_back(items[place]);
  }
  return make_list(machine, std::move(out), value.as_list().kind);
}

}  // namespace chasqui::jinja
