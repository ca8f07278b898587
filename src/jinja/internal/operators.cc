#include "jinja/internal/operators.h"

#include <algorithm>
#include <cmath>

#include "jinja/internal/fault.h"
#include "jinja/internal/print.h"
#include "jinja/internal/text_work.h"
#include "jinja/internal/unicode.h"

namespace chasqui::jinja {
namespace {

bool is_integral(const Value& value) {
  return value.is(Kind::kInt) || value.is(Kind::kBool);
}

int64_t as_integer(const Value& value) {
  return value.is(Kind::kBool) ? (value.as_bool() ? 1 : 0) : value.as_int();
}

// Lists equal lists and tuples equal tuples; views and ranges are compared as lists.
bool same_sequence_type(const List& a, const List& b) {
  return (a.kind == ListKind::kTuple) == (b.kind == ListKind::kTuple);
}

bool equal_lists(const List& a, const List& b, Machine* machine) {
  return same_sequence_type(a, b) &&
         std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(),
                    [&](const Value& x, const Value& y) { return equal(x, y, machine); });
}

bool equal_dicts(const Dict& a, const Dict& b, Machine* machine) {
  if (a.entries().size() != b.entries().size()) return false;
  return std::all_of(a.entries().begin(), a.entries().end(), [&](const Dict::Entry& entry) {
    const Value* other = b.find(entry.first);
    return other != nullptr && equal(entry.second, *other, machine);
  });
}

// -1, 0, 1.
template <typename T>
int compare(const T& a, const T& b) {
  return a < b ? -1 : (b < a ? 1 : 0);
}

std::string order_text(Order order) {
  switch (order) {
    case Order::kLess:
      return "<";
    case Order::kLessEqual:
      return "<=";
    case Order::kGreater:
      return ">";
    case Order::kGreaterEqual:
      return ">=";
  }
  return "";
}

bool holds(int comparison, Order order) {
  switch (order) {
    case Order::kLess:
      return comparison < 0;
    case Order::kLessEqual:
      return comparison <= 0;
    case Order::kGreater:
      return comparison > 0;
    case Order::kGreaterEqual:
      return comparison >= 0;
  }
  return false;
}

constexpr std::string_view kSymbols[] = {"+", "-", "*", "/", "//", "%", "** or pow()"};

[[noreturn]] void no_such_operation(const Value& a, Arithmetic operation, const Value& b) {
  require_defined(a);
  require_defined(b);
  const bool adding = operation == Arithmetic::kAdd;
  if (adding && (a.is(Kind::kString) || a.is(Kind::kList))) {
    type_fault("can only concatenate " + type_name(a) + " (not \"" + type_name(b) + "\") to " +
               type_name(a));
  }
  type_fault("unsupported operand type(s) for " +
             std::string(kSymbols[static_cast<size_t>(operation)]) + ": '" + type_name(a) +
             "' and '" + type_name(b) + "'");
}

[[noreturn]] void too_large() {
  type_fault("an integer does not fit 64 bits");
}

int64_t floor_divide(int64_t a, int64_t b) {
  if (b == -1) {
    if (a == INT64_MIN) too_large();
    return -a;
  }
  const int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

int64_t power(int64_t base, int64_t exponent) {
  int64_t result = 1;
  while (exponent > 0) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) too_large();
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) too_large();
  }
  return result;
}

double floor_modulo(double a, double b) {
  const double rest = std::fmod(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

Value integer_result(int64_t a, Arithmetic operation, int64_t b) {
  int64_t out = 0;
  switch (operation) {
    case Arithmetic::kAdd:
      if (__builtin_add_overflow(a, b, &out)) too_large();
      return Value::integer(out);
    case Arithmetic::kSubtract:
      if (__builtin_sub_overflow(a, b, &out)) too_large();
      return Value::integer(out);
    case Arithmetic::kMultiply:
      if (__builtin_mul_overflow(a, b, &out)) too_large();
      return Value::integer(out);
    case Arithmetic::kDivide:
      return Value::number(static_cast<double>(a) / static_cast<double>(b));
    case Arithmetic::kFloorDivide:
      return Value::integer(floor_divide(a, b));
    case Arithmetic::kModulo:
      return Value::integer(b == -1 ? 0 : a - floor_divide(a, b) * b);
    case Arithmetic::kPower:
      if (b < 0) return Value::number(std::pow(static_cast<double>(a), static_cast<double>(b)));
      return Value::integer(power(a, b));
  }
  return {};
}

Value float_result(double a, Arithmetic operation, double b) {
  switch (operation) {
    case Arithmetic::kAdd:
      return Value::number(a + b);
    case Arithmetic::kSubtract:
      return Value::number(a - b);
    case Arithmetic::kMultiply:
      return Value::number(a * b);
    case Arithmetic::kDivide:
      return Value::number(a / b);
    case Arithmetic::kFloorDivide:
      return Value::number(std::floor(a / b));
    case Arithmetic::kModulo:
      return Value::number(floor_modulo(a, b));
    case Arithmetic::kPower:
      return Value::number(std::pow(a, b));
  }
  return {};
}

Value calculate_numbers(const Value& a, Arithmetic operation, const Value& b) {
  const bool divides = operation == Arithmetic::kDivide || operation == Arithmetic::kFloorDivide ||
                       operation == Arithmetic::kModulo;
  if (divides && as_double(b) == 0) type_fault("division by zero");
  const Value result = is_integral(a) && is_integral(b)
                           ? integer_result(as_integer(a), operation, as_integer(b))
                           : float_result(as_double(a), operation, as_double(b));
  return result.with_trust(a.trusted() && b.trusted());
}

Value add_strings(Machine& machine, const String& a, const String& b) {
  machine.charge(a.text.size() + b.text.size());
  const bool markup = a.markup || b.markup;
  Text out;
  out.reserve(a.text.size() + b.text.size());
  for (const String* part : {&a, &b}) {
    out.append(markup && !part->markup ? escape_markup(machine, part->text) : part->text);
  }
  return Value::string(std::move(out), markup);
}

Value add_lists(Machine& machine, const List& a, const List& b) {
  machine.charge((a.items.size() + b.items.size()) * sizeof(Value));
  std::vector<Value> items = a.items;
  items.insert(items.end(), b.items.begin(), b.items.end());
  return make_list(machine, std::move(items), a.kind);
}

bool may_add_lists(const List& a, const List& b) {
  return a.kind == b.kind && (a.kind == ListKind::kList || a.kind == ListKind::kTuple);
}

Value repeat(Machine& machine, const Value& value, int64_t times) {
  const size_t count = static_cast<size_t>(std::max<int64_t>(times, 0));
  const bool is_string = value.is(Kind::kString);
  const size_t unit = is_string ? value.view().size() : value.items().size() * sizeof(Value);
  size_t bytes = 0;
  if (__builtin_mul_overflow(unit, count, &bytes)) limit_fault("a repeated value is too long");
  machine.charge(bytes);
  if (!is_string) {
    std::vector<Value> items;
    for (size_t i = 0; i < count && unit > 0; ++i) {
      items.insert(items.end(), value.items().begin(), value.items().end());
    }
    return make_list(machine, std::move(items), value.as_list().kind);
  }
  Text out;
  for (size_t i = 0; i < count && unit > 0; ++i) out.append(value.text());
  return Value::string(std::move(out), value.as_string().markup);
}

bool is_repeatable(const Value& value) {
  if (value.is(Kind::kString)) return true;
  return value.is(Kind::kList) && value.as_list().kind <= ListKind::kTuple;
}

}  // namespace

double as_double(const Value& value) {
  return value.is(Kind::kFloat) ? value.as_float() : static_cast<double>(as_integer(value));
}

bool truthy(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
    case Kind::kNone:
      return false;
    case Kind::kBool:
      return value.as_bool();
    case Kind::kInt:
      return value.as_int() != 0;
    case Kind::kFloat:
      return value.as_float() != 0;
    case Kind::kString:
      return !value.view().empty();
    case Kind::kList:
      return !value.items().empty();
    case Kind::kDict:
      return !value.as_dict().entries().empty();
    case Kind::kObject:
      return true;
  }
  return false;
}

bool equal(const Value& a, const Value& b, Machine* machine) {
  if (machine != nullptr) machine->step();
  if (is_integral(a) && is_integral(b)) return as_integer(a) == as_integer(b);
  if (a.is_number() && b.is_number()) return as_double(a) == as_double(b);
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kString:
      if (machine != nullptr) machine->work(std::min(a.view().size(), b.view().size()));
      return a.view() == b.view();
    case Kind::kList:
      return a.same_as(b) || equal_lists(a.as_list(), b.as_list(), machine);
    case Kind::kDict:
      return a.same_as(b) || equal_dicts(a.as_dict(), b.as_dict(), machine);
    case Kind::kObject:
      return a.same_as(b);
    default:
      return true;  // none and undefined
  }
}

bool in_order(Machine& machine, const Value& a, Order order, const Value& b) {
  machine.step();
  require_defined(a);
  require_defined(b);
  if (is_integral(a) && is_integral(b)) return holds(compare(as_integer(a), as_integer(b)), order);
  if (a.is_number() && b.is_number()) {
    const double x = as_double(a), y = as_double(b);
    return !std::isnan(x) && !std::isnan(y) && holds(compare(x, y), order);
  }
  if (a.is(Kind::kString) && b.is(Kind::kString)) {
    machine.work(std::min(a.view().size(), b.view().size()));
    // Bytes of UTF-8 sort as code points do.
    return holds(compare(a.view(), b.view()), order);
  }
  if (a.is(Kind::kList) && b.is(Kind::kList) && same_sequence_type(a.as_list(), b.as_list())) {
    const std::vector<Value>&x = a.items(), &y = b.items();
    size_t at = 0;
    while (at < x.size() && at < y.size() && equal(x[at], y[at], &machine)) ++at;
    if (at < x.size() && at < y.size()) return in_order(machine, x[at], order, y[at]);
    return holds(compare(x.size(), y.size()), order);
  }
  type_fault("'" + order_text(order) + "' not supported between instances of '" + type_name(a) +
             "' and '" + type_name(b) + "'");
}

bool contains(Machine& machine, const Value& haystack, const Value& needle) {
  switch (haystack.kind()) {
    case Kind::kUndefined:
      return false;
    case Kind::kString:
      require_defined(needle);
      if (!needle.is(Kind::kString)) {
        type_fault("'in <string>' requires string as left operand, not " + type_name(needle));
      }
      machine.work(haystack.view().size());
      return haystack.view().find(needle.view()) != std::string_view::npos;
    case Kind::kDict:
      return haystack.as_dict().find(needle) != nullptr;
    default:
      break;
  }
  if (!is_iterable(haystack)) {
    type_fault("argument of type '" + type_name(haystack) + "' is not iterable");
  }
  const std::vector<Value> items = iterate(machine, haystack);
  return std::any_of(items.begin(), items.end(),
                     [&](const Value& item) { return equal(item, needle, &machine); });
}

Value calculate(Machine& machine, const Value& a, Arithmetic operation, const Value& b) {
  if (a.is_number() && b.is_number()) return calculate_numbers(a, operation, b);
  if (operation == Arithmetic::kAdd) {
    if (a.is(Kind::kString) && b.is(Kind::kString)) {
      return add_strings(machine, a.as_string(), b.as_string());
    }
    if (a.is(Kind::kList) && b.is(Kind::kList) && may_add_lists(a.as_list(), b.as_list())) {
      return add_lists(machine, a.as_list(), b.as_list());
    }
  }
  if (operation == Arithmetic::kMultiply) {
    if (is_repeatable(a) && is_integral(b)) return repeat(machine, a, as_integer(b));
    if (is_integral(a) && is_repeatable(b)) return repeat(machine, b, as_integer(a));
  }
  if (operation == Arithmetic::kModulo && a.is(Kind::kString)) {
    require_defined(b);
    return format_percent(machine, a.as_string(), b);
  }
  no_such_operation(a, operation, b);
}

Value negate(const Value& value) {
  require_defined(value);
  if (value.is(Kind::kFloat)) return Value::number(-value.as_float()).with_trust(value.trusted());
  if (!is_integral(value)) {
    type_fault("bad operand type for unary -: '" + type_name(value) + "'");
  }
  if (as_integer(value) == INT64_MIN) too_large();
  return Value::integer(-as_integer(value)).with_trust(value.trusted());
}

size_t length(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
      return 0;
    case Kind::kString:
      return count_chars(value.view());
    case Kind::kList:
      return value.items().size();
    case Kind::kDict:
      return value.as_dict().entries().size();
    default:
      type_fault("object of type '" + type_name(value) + "' has no len()");
  }
}

bool is_iterable(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
    case Kind::kString:
    case Kind::kList:
    case Kind::kDict:
      return true;
    case Kind::kObject:
      return value.as_object().type_name() == "generator";
    default:
      return false;
  }
}

std::vector<Value> iterate(Machine& machine, const Value& value) {
  std::vector<Value> items;
  if (value.is(Kind::kList)) {
    items = value.items();
  } else if (value.is(Kind::kDict)) {
    for (const auto& entry : value.as_dict().entries()) items.push_back(entry.first);
  } else if (value.is(Kind::kString)) {
    const Text& text = value.text();
    const std::vector<size_t> offsets = char_offsets(text.view());
    machine.charge(offsets.size() * (sizeof(Value) + sizeof(String)));
    for (size_t i = 0; i + 1 < offsets.size(); ++i) {
      items.push_back(Value::string(text.substr(offsets[i], offsets[i + 1] - offsets[i])));
    }
  } else if (value.is(Kind::kObject)) {
    const std::vector<Value>* all = value.as_object().iterate();
    if (all == nullptr) type_fault("'" + type_name(value) + "' object is not iterable");
    items = *all;
  } else if (!value.is_undefined()) {
    type_fault("'" + type_name(value) + "' object is not iterable");
  }
  machine.work(items.size() * sizeof(Value));
  return items;
}

Value make_list(Machine& machine, std::vector<Value> items, ListKind kind) {
  machine.charge(items.size() * sizeof(Value) + sizeof(List));
  Value made = Value::list(std::move(items), kind);
  if (made.is_undefined()) limit_fault("lists nest too deep");
  return made;
}

Value make_dict(Machine& machine, std::vector<std::pair<Value, Value>> entries) {
  machine.charge(entries.size() * 2 * sizeof(Value) + sizeof(Dict));
  for (const auto& entry : entries) {
    const Value& key = entry.first;
    const bool tuple = key.is(Kind::kList) && key.as_list().kind == ListKind::kTuple;
    if (key.depth() > 0 && !(tuple && key.depth() == 1)) {
      type_fault("unhashable type: '" + type_name(key) + "'");
    }
    if (!key.is(Kind::kString)) machine.work(entries.size() * sizeof(Value));
  }
  Value made = Value::dict(std::move(entries));
  if (made.is_undefined()) limit_fault("dicts nest too deep");
  return made;
}

Value missing_attribute(Kind owner, std::string_view name) {
  return Value::undefined(
      {std::make_shared<const std::string>(name), owner, Undefined::Why::kAttribute});
}

void undefined_used(const Value& value) {
  const Undefined& what = value.as_undefined();
  const std::string name = what.name ? *what.name : "value";
  switch (what.why) {
    case Undefined::Why::kHint:
      undefined_fault(name);
    case Undefined::Why::kAttribute:
      undefined_fault("'" + owner_name(what.owner) + "' has no attribute '" + name + "'");
    case Undefined::Why::kUnsafe:
      throw Fault{TemplateError::Kind::kUnsafe, "access to attribute '" + name + "' of '" +
                                                    owner_name(what.owner) + "' is unsafe"};
    case Undefined::Why::kName:
      break;
  }
  undefined_fault("'" + name + "' is undefined");
}

void require_defined(const Value& value) {
  if (value.is_undefined()) undefined_used(value);
}

Value call(Machine& machine, const Value& function, Passed&& passed) {
  require_defined(function);
  if (!function.is(Kind::kObject) || !function.as_object().callable()) {
    type_fault("'" + type_name(function) + "' object is not callable");
  }
  const DepthGuard depth(machine);
  return function.as_object().call(machine, std::move(passed));
}

}  // namespace chasqui::jinja
