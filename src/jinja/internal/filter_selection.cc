// house-numbers: table
// Filters that choose or map by other filters, by tests and by attributes.
#include <algorithm>

#include "jinja/internal/fault.h"
#include "jinja/internal/item_path.h"
#include "jinja/internal/operators.h"
#include "jinja/internal/print.h"
#include "jinja/internal/rows.h"

namespace chasqui::jinja {
namespace {

using A = const Arguments&;
using M = Machine&;

Value generator(M machine, std::vector<Value> items) {
  machine.charge(items.size() * sizeof(Value));
  return Value::object(&machine.make<GeneratorObject>(std::move(items)));
}

// A test by name with its further arguments; without a name, whether the value is true.
class Chooser {
 public:
  Chooser(A a, std::span<const Value> arguments) : named_(a.named()) {
    if (arguments.empty()) return;
    if (!arguments[0].is(Kind::kString)) type_fault("the name of a test must be a string");
    row_ = find_test(arguments[0].view());
    if (row_ == nullptr) {
      type_fault("there is no test named '" + std::string(arguments[0].view()) + "'");
    }
    arguments_.assign(arguments.begin() + 1, arguments.end());
  }

  bool holds(M machine, const Value& value) const {
    machine.step();
    if (row_ == nullptr) return truthy(value);
    return truthy(call_row(machine, *row_, &value, {arguments_, named_}));
  }

 private:
  const Row* row_ = nullptr;
  std::vector<Value> arguments_;
  std::vector<std::pair<std::string, Value>> named_;
};

// What these filters walk over; nothing where the subject is not true, as None is.
std::vector<Value> subjects(M machine, A a) {
  return truthy(a[0]) ? iterate(machine, a[0]) : std::vector<Value>();
}

template <bool wanted>
Value select_filter(M machine, A a) {
  const Chooser chooser(a, a.rest());
  std::vector<Value> chosen;
  for (Value& item : subjects(machine, a)) {
    if (chooser.holds(machine, item) == wanted) chosen.push_back(std::move(item));
  }
  return generator(machine, std::move(chosen));
}

template <bool wanted>
Value select_by_attribute_filter(M machine, A a) {
  const ItemPath path(a[1]);
  const Chooser chooser(a, a.rest());
  std::vector<Value> chosen;
  for (Value& item : subjects(machine, a)) {
    if (chooser.holds(machine, path.of(machine, item)) == wanted) chosen.push_back(std::move(item));
  }
  return generator(machine, std::move(chosen));
}

const Value* named_argument(A a, std::string_view name) {
  for (const auto& [known, value] : a.named()) {
    if (known == name) return &value;
  }
  return nullptr;
}

Value map_filter(M machine, A a) {
  std::vector<Value> items = subjects(machine, a);
  if (a.rest().empty()) {
    const Value* attribute = named_argument(a, "attribute");
    const Value* fallback = named_argument(a, "default");
    if (attribute == nullptr) type_fault("map requires a filter argument");
    const ItemPath path(*attribute);
    for (Value& item : items) {
      item = path.of(machine, item);
      if (item.is_undefined() && fallback != nullptr) item = *fallback;
    }
    return generator(machine, std::move(items));
  }
  const Value& name = a.rest()[0];
  const Row* row = name.is(Kind::kString) ? find_filter(name.view()) : nullptr;
  if (row == nullptr) {
    type_fault("there is no filter named '" + to_text(machine, name).bytes() + "'");
  }
  const std::vector<Value> arguments(a.rest().begin() + 1, a.rest().end());
  for (Value& item : items) {
    machine.step();
    const DepthGuard depth(machine);
    item = call_row(machine, *row, &item, {arguments, a.named()});
  }
  return generator(machine, std::move(items));
}

Value default_filter(M, A a) {
  const bool replaced = a[0].is_undefined() || (a.boolean(2, false) && !truthy(a[0]));
  if (!replaced) return a[0];
  return a.given(1) ? a[1] : Value::string("", Origin::kTemplate);
}

// Attributes only, no items.
Value attribute_filter(M machine, A a) {
  const Text name = a.text(1, "");
  if (a[0].is(Kind::kDict) && find_method(Kind::kDict, name.view()) == nullptr) {
    return missing_attribute(Kind::kDict, name.view());
  }
  return get_attribute(machine, a[0], name.view());
}

// Pairs of what items have in common and those items, in the order of the former.
Value group_by_filter(M machine, A a) {
  Passed by_attribute;
  by_attribute.named.emplace_back("attribute", a[1]);
  by_attribute.named.emplace_back("case_sensitive", Value::boolean(a.boolean(3, false)));
  const Value all = make_list(machine, iterate(machine, a[0]));
  const Value ordered = call_row(machine, *find_filter("sort"), &all, std::move(by_attribute));
  const ItemPath path(a[1]);
  std::vector<Value> groups, group;
  Value key;
  const auto close = [&] {
    if (group.empty()) return;
    Value members = make_list(machine, std::exchange(group, {}));
    groups.push_back(make_list(machine, {key, std::move(members)}, ListKind::kTuple));
  };
  for (const Value& item : ordered.items()) {
    Value next = path.of(machine, item);
    if (next.is_undefined() && a.given(2)) next = a[2];
    if (!group.empty() && !equal(next, key, &machine)) close();
    if (group.empty()) key = std::move(next);
    group.push_back(item);
  }
  close();
  return make_list(machine, std::move(groups));
}

constexpr Row kRows[] = {
    {"select", "* **", select_filter<true>},
    {"reject", "* **", select_filter<false>},
    {"selectattr", "attribute * **", select_by_attribute_filter<true>},
    {"rejectattr", "attribute * **", select_by_attribute_filter<false>},
    {"map", "* **", map_filter},
    {"default", "default_value? boolean?", default_filter},
    {"d", "default_value? boolean?", default_filter},
    {"attr", "name", attribute_filter},
    {"groupby", "attribute default? case_sensitive?", group_by_filter},
};

}  // namespace

std::span<const Row> selection_filters() {
  return kRows;
}

}  // namespace chasqui::jinja
