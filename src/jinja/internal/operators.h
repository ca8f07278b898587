// What Python's operators do with values. Faults carry Python's words where they are short.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "jinja/internal/machine.h"
#include "jinja/value.h"

namespace chasqui::jinja {

enum class Arithmetic { kAdd, kSubtract, kMultiply, kDivide, kFloorDivide, kModulo, kPower };
enum class Order { kLess, kLessEqual, kGreater, kGreaterEqual };

bool truthy(const Value& value);
// `machine`: pays for the comparison; nullptr only where one of the two is known to be small.
bool equal(const Value& a, const Value& b, Machine* machine = nullptr);
// Throws a type fault where Python has no order between the two.
bool in_order(Machine& machine, const Value& a, Order order, const Value& b);
// `needle in haystack`.
bool contains(Machine& machine, const Value& haystack, const Value& needle);
Value calculate(Machine& machine, const Value& a, Arithmetic operation, const Value& b);
Value negate(const Value& value);
// Numbers as doubles. REQUIRES: is_number().
double as_double(const Value& value);

// len(); throws where there is none.
size_t length(const Value& value);
// The items that a loop over `value` sees: of a dict its keys, of a string its characters.
std::vector<Value> iterate(Machine& machine, const Value& value);
bool is_iterable(const Value& value);

// `value.name` and `value[key]`; undefined where there is nothing.
Value get_attribute(Machine& machine, const Value& value, std::string_view name);
Value get_item(Machine& machine, const Value& value, const Value& key);
// `value[begin:end:step]`; None for what was left out.
struct SliceBounds {
  Value begin, end, step;
};
Value slice(Machine& machine, const Value& value, const SliceBounds& bounds);

Value call(Machine& machine, const Value& function, Passed&& passed);

// A container, or a limit fault where it would nest too deep. Charged.
Value make_list(Machine& machine, std::vector<Value> items, ListKind kind = ListKind::kList);
Value make_dict(Machine& machine, std::vector<std::pair<Value, Value>> entries);

// The undefined value `name` of that owner ('dict object' has no attribute 'name').
Value missing_attribute(Kind owner, std::string_view name);
[[noreturn]] void undefined_used(const Value& value);
// Throws where `value` is undefined.
void require_defined(const Value& value);

}  // namespace chasqui::jinja
