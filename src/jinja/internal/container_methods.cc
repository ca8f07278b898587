// house-numbers: table
// The methods of dict, list and tuple that leave their subject as it is.
#include <algorithm>

#include "jinja/internal/fault.h"
#include "jinja/internal/operators.h"
#include "jinja/internal/rows.h"

namespace chasqui::jinja {
namespace {

using A = const Arguments&;
using M = Machine&;

Value items_method(M machine, A a) {
  std::vector<Value> pairs;
  for (const auto& [key, value] : a[0].as_dict().entries()) {
    pairs.push_back(make_list(machine, {key, value}, ListKind::kTuple));
  }
  return make_list(machine, std::move(pairs), ListKind::kItems);
}

Value keys_method(M machine, A a) {
  return make_list(machine, iterate(machine, a[0]), ListKind::kKeys);
}

Value values_method(M machine, A a) {
  std::vector<Value> values;
  for (const auto& entry : a[0].as_dict().entries()) values.push_back(entry.second);
  return make_list(machine, std::move(values), ListKind::kValues);
}

Value get_method(M, A a) {
  const Value* found = a[0].as_dict().find(a[1]);
  if (found != nullptr) return *found;
  return a.given(2) ? a[2] : Value::none();
}

Value copy_method(M, A a) {
  return a[0];  // nothing can change it
}

Value index_method(M machine, A a) {
  const std::vector<Value>& items = a[0].items();
  for (size_t i = 0; i < items.size(); ++i) {
    if (equal(items[i], a[1], &machine)) return Value::integer(static_cast<int64_t>(i));
  }
  type_fault("the value is not in the list");
}

Value count_method(M machine, A a) {
  const std::vector<Value>& items = a[0].items();
  return Value::integer(std::count_if(
      items.begin(), items.end(), [&](const Value& item) { return equal(item, a[1], &machine); }));
}

constexpr Row kDictMethods[] = {
    {"items", "", items_method},         {"keys", "", keys_method}, {"values", "", values_method},
    {"get", "key default?", get_method}, {"copy", "", copy_method},
};

constexpr Row kListMethods[] = {
    {"index", "value", index_method},
    {"count", "value", count_method},
    {"copy", "", copy_method},
};

}  // namespace

std::span<const Row> dict_methods() {
  return kDictMethods;
}

std::span<const Row> list_methods() {
  return kListMethods;
}

}  // namespace chasqui::jinja
