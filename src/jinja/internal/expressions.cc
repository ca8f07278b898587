#include "jinja/internal/expressions.h"

#include "jinja/internal/fault.h"
#include "jinja/internal/print.h"

namespace chasqui::jinja {
namespace {

bool compare(Machine& machine, const Value& a, Comparator comparator, const Value& b) {
  switch (comparator) {
    case Comparator::kEqual:
      return equal(a, b, &machine);
    case Comparator::kNotEqual:
      return !equal(a, b, &machine);
    case Comparator::kLess:
      return in_order(machine, a, Order::kLess, b);
    case Comparator::kLessEqual:
      return in_order(machine, a, Order::kLessEqual, b);
    case Comparator::kGreater:
      return in_order(machine, a, Order::kGreater, b);
    case Comparator::kGreaterEqual:
      return in_order(machine, a, Order::kGreaterEqual, b);
    case Comparator::kIn:
      return contains(machine, b, a);
    case Comparator::kNotIn:
      return !contains(machine, b, a);
  }
  return false;
}

Value bound_value(Machine& machine, const Expression* bound) {
  return bound == nullptr ? Value::none() : bound->evaluate(machine);
}

}  // namespace

Value Expression::evaluate(Machine& machine) const {
  machine.step();
  const DepthGuard depth(machine);
  machine.line = line();
  return compute(machine);
}

Passed CallSpec::evaluate(Machine& machine) const {
  Passed passed;
  passed.positional.reserve(positional.size());
  for (const Expression* item : positional) passed.positional.push_back(item->evaluate(machine));
  for (const auto& [name, item] : named) passed.named.emplace_back(name, item->evaluate(machine));
  if (more_positional != nullptr) {
    for (Value& item : iterate(machine, more_positional->evaluate(machine))) {
      passed.positional.push_back(std::move(item));
    }
  }
  if (more_named == nullptr) return passed;
  const Value more = more_named->evaluate(machine);
  if (!more.is(Kind::kDict)) type_fault("argument after ** must be a mapping");
  for (const auto& [key, value] : more.as_dict().entries()) {
    if (!key.is(Kind::kString)) type_fault("keywords must be strings");
    machine.charge(key.view().size());
    passed.named.emplace_back(key.view(), value);
  }
  return passed;
}

Value Name::compute(Machine& machine) const {
  if (const Value* value = machine.find(id_)) return *value;
  if (function_ != nullptr) return Value::object(&machine.make<FunctionObject>(*function_));
  return Value::undefined({name_, Kind::kUndefined, Undefined::Why::kName});
}

Value ListLiteral::compute(Machine& machine) const {
  std::vector<Value> items;
  items.reserve(items_.size());
  for (const Expression* item : items_) items.push_back(item->evaluate(machine));
  return make_list(machine, std::move(items), kind_);
}

Value DictLiteral::compute(Machine& machine) const {
  std::vector<Dict::Entry> entries;
  entries.reserve(entries_.size());
  for (const auto& [key, value] : entries_) {
    Value evaluated = key->evaluate(machine);
    entries.emplace_back(std::move(evaluated), value->evaluate(machine));
  }
  return make_dict(machine, std::move(entries));
}

Value Attribute::compute(Machine& machine) const {
  return get_attribute(machine, owner_->evaluate(machine), name_);
}

Value Item::compute(Machine& machine) const {
  const Value owner = owner_->evaluate(machine);
  return get_item(machine, owner, key_->evaluate(machine));
}

Value Slice::compute(Machine& machine) const {
  const Value owner = owner_->evaluate(machine);
  const SliceBounds bounds = {bound_value(machine, bounds_.begin),
                              bound_value(machine, bounds_.end),
                              bound_value(machine, bounds_.step)};
  return slice(machine, owner, bounds);
}

Value Call::call_with(Machine& machine, const Value* caller) const {
  // `text.strip()` needs no bound method.
  Value subject;
  const Row* row = nullptr;
  Value function;
  if (method_ != nullptr) {
    subject = method_->owner().evaluate(machine);
    row = find_method(subject.kind(), method_->name());
    if (row == nullptr) function = get_attribute(machine, subject, method_->name());
  } else {
    function = function_->evaluate(machine);
  }
  Passed passed = arguments_.evaluate(machine);
  if (caller != nullptr) passed.named.emplace_back("caller", *caller);
  machine.line = line();
  if (row != nullptr) return call_row(machine, *row, &subject, std::move(passed));
  Value result = call(machine, function, std::move(passed));
  machine.line = line();
  return result;
}

Value Filter::compute(Machine& machine) const {
  const Value subject = subject_ == nullptr ? machine.captured : subject_->evaluate(machine);
  if (row_ == nullptr) type_fault("there is no filter named '" + name_ + "'");
  Passed passed = arguments_.evaluate(machine);
  machine.line = line();
  return call_row(machine, *row_, &subject, std::move(passed));
}

Value Test::compute(Machine& machine) const {
  const Value subject = subject_->evaluate(machine);
  if (row_ == nullptr) type_fault("there is no test named '" + name_ + "'");
  Passed passed = arguments_.evaluate(machine);
  return call_row(machine, *row_, &subject, std::move(passed));
}

Value UnaryOperation::compute(Machine& machine) const {
  const Value value = operand_->evaluate(machine);
  if (operation_ == Unary::kNot) return Value::boolean(!truthy(value));
  const Value negative = negate(value);
  return operation_ == Unary::kNegative ? negative : negate(negative);
}

Value BinaryOperation::compute(Machine& machine) const {
  const Value left = left_->evaluate(machine);
  return calculate(machine, left, operation_, right_->evaluate(machine));
}

Value Concatenation::compute(Machine& machine) const {
  Text out;
  for (const Expression* part : parts_) {
    const Value value = part->evaluate(machine);
    if (value.is(Kind::kString)) {
      machine.charge(value.view().size());
      out.append(value.text());
    } else {
      out.append(to_text(machine, value));
    }
  }
  return Value::string(std::move(out));
}

Value Comparison::compute(Machine& machine) const {
  Value left = first_->evaluate(machine);
  for (const auto& [comparator, next] : links_) {
    Value right = next->evaluate(machine);
    if (!compare(machine, left, comparator, right)) return Value::boolean(false);
    left = std::move(right);
  }
  return Value::boolean(true);
}

Value Logical::compute(Machine& machine) const {
  Value left = left_->evaluate(machine);
  return truthy(left) == is_and_ ? right_->evaluate(machine) : left;
}

Value Conditional::compute(Machine& machine) const {
  if (truthy(condition_->evaluate(machine))) return then_->evaluate(machine);
  if (otherwise_ != nullptr) return otherwise_->evaluate(machine);
  static const auto kHint = std::make_shared<const std::string>(
      "the inline if-expression evaluated to false and no else section was defined.");
  return Value::undefined({kHint, Kind::kUndefined, Undefined::Why::kHint});
}

}  // namespace chasqui::jinja
