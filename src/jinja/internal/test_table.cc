// house-numbers: table
// What may stand behind `is` (https://jinja.palletsprojects.com/en/3.1.x/templates/#builtin-tests).
#include <cmath>

#include "jinja/internal/fault.h"
#include "jinja/internal/operators.h"
#include "jinja/internal/print.h"
#include "jinja/internal/rows.h"

namespace chasqui::jinja {
namespace {

using A = const Arguments&;
using M = Machine&;

template <Kind kind>
Value is_kind(M, A a) {
  return Value::boolean(a[0].is(kind));
}

template <bool value>
Value is_constant(M, A a) {
  return Value::boolean(a[0].is(Kind::kBool) && a[0].as_bool() == value);
}

Value is_defined(M, A a) {
  return Value::boolean(!a[0].is_undefined());
}

Value is_number(M, A a) {
  return Value::boolean(a[0].is_number());
}

Value is_iterable_test(M, A a) {
  return Value::boolean(is_iterable(a[0]));
}

// Python has length and items by number; so have dicts, and Jinja's undefined.
Value is_sequence(M, A a) {
  const bool view = a[0].is(Kind::kList) && a[0].as_list().kind > ListKind::kRange;
  return Value::boolean(!view && is_iterable(a[0]) && !a[0].is(Kind::kObject));
}

Value is_callable(M, A a) {
  return Value::boolean(a[0].is_undefined() ||
                        (a[0].is(Kind::kObject) && a[0].as_object().callable()));
}

Value is_escaped(M, A a) {
  return Value::boolean(a[0].is(Kind::kString) && a[0].as_string().markup);
}

// Numbers and booleans are the same where they are equal and of one type; the rest by identity.
Value is_same(M, A a) {
  const bool plain = a[0].is_number() || a[0].is(Kind::kNone);
  return Value::boolean(plain ? a[0].is(a[1].kind()) && equal(a[0], a[1]) : a[0].same_as(a[1]));
}

template <int64_t rest>
Value is_parity(M machine, A a) {
  const Value left = calculate(machine, a[0], Arithmetic::kModulo, Value::integer(2));
  return Value::boolean(equal(left, Value::integer(rest)));
}

Value is_divisible(M machine, A a) {
  const Value left = calculate(machine, a[0], Arithmetic::kModulo, a[1]);
  return Value::boolean(equal(left, Value::integer(0)));
}

template <bool negated>
Value is_equal(M machine, A a) {
  return Value::boolean(equal(a[0], a[1], &machine) != negated);
}

template <Order order>
Value is_ordered(M machine, A a) {
  return Value::boolean(in_order(machine, a[0], order, a[1]));
}

Value is_in(M machine, A a) {
  return Value::boolean(contains(machine, a[1], a[0]));
}

// Asks the string's own method of that name.
template <bool upper>
Value is_cased(M machine, A a) {
  const Value text = Value::string(to_text(machine, a[0]));
  return call_row(machine, *find_method(Kind::kString, upper ? "isupper" : "islower"), &text, {});
}

template <const Row* (*find)(std::string_view)>
Value is_known(M, A a) {
  return Value::boolean(a[0].is(Kind::kString) && find(a[0].view()) != nullptr);
}

constexpr Row kTests[] = {
    {"defined", "", is_defined},
    {"undefined", "", is_kind<Kind::kUndefined>},
    {"none", "", is_kind<Kind::kNone>},
    {"boolean", "", is_kind<Kind::kBool>},
    {"true", "", is_constant<true>},
    {"false", "", is_constant<false>},
    {"integer", "", is_kind<Kind::kInt>},
    {"float", "", is_kind<Kind::kFloat>},
    {"number", "", is_number},
    {"string", "", is_kind<Kind::kString>},
    {"mapping", "", is_kind<Kind::kDict>},
    {"iterable", "", is_iterable_test},
    {"sequence", "", is_sequence},
    {"callable", "", is_callable},
    {"escaped", "", is_escaped},
    {"sameas", "other", is_same},
    {"even", "", is_parity<0>},
    {"odd", "", is_parity<1>},
    {"divisibleby", "num", is_divisible},
    {"in", "seq", is_in},
    {"eq", "other", is_equal<false>},
    {"equalto", "other", is_equal<false>},
    {"==", "other", is_equal<false>},
    {"ne", "other", is_equal<true>},
    {"!=", "other", is_equal<true>},
    {"lt", "other", is_ordered<Order::kLess>},
    {"lessthan", "other", is_ordered<Order::kLess>},
    {"<", "other", is_ordered<Order::kLess>},
    {"le", "other", is_ordered<Order::kLessEqual>},
    {"<=", "other", is_ordered<Order::kLessEqual>},
    {"gt", "other", is_ordered<Order::kGreater>},
    {"greaterthan", "other", is_ordered<Order::kGreater>},
    {">", "other", is_ordered<Order::kGreater>},
    {"ge", "other", is_ordered<Order::kGreaterEqual>},
    {">=", "other", is_ordered<Order::kGreaterEqual>},
    {"upper", "", is_cased<true>},
    {"lower", "", is_cased<false>},
    {"filter", "", is_known<find_filter>},
    {"test", "", is_known<find_test>},
};

}  // namespace

std::span<const Row> test_rows() {
  return kTests;
}

}  // namespace chasqui::jinja
