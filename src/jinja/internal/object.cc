#include "jinja/internal/object.h"

#include "jinja/internal/fault.h"
#include "jinja/internal/machine.h"

namespace chasqui::jinja {

Value Object::call(Machine&, Passed&&) {
  type_fault("'" + std::string(type_name()) + "' object is not callable");
}

std::optional<Value> NamespaceObject::attribute(std::string_view name) const {
  for (const auto& [known, value] : attributes_) {
    if (known == name) return value;
  }
  return std::nullopt;
}

void NamespaceObject::set(std::string_view name, Value value) {
  for (auto& [known, held] : attributes_) {
    if (known != name) continue;
    held = std::move(value);
    return;
  }
  attributes_.emplace_back(name, std::move(value));
}

const std::vector<Value>* GeneratorObject::iterate() {
  if (walked_) items_.clear();
  walked_ = true;
  return &items_;
}

Value FunctionObject::call(Machine& machine, Passed&& passed) {
  return call_row(machine, row_, subject_ ? &*subject_ : nullptr, std::move(passed));
}

Value ClosureObject::call(Machine& machine, Passed&& passed) {
  return body_(machine, std::move(passed));
}

CyclerObject::CyclerObject(Machine& machine, std::vector<Value> items) : items_(std::move(items)) {
  next_ = Value::object(&machine.make<ClosureObject>("method", [this](Machine&, Passed&&) {
    const Value& current = items_[at_];
    at_ = (at_ + 1) % items_.size();
    return current;
  }));
  reset_ = Value::object(&machine.make<ClosureObject>("method", [this](Machine&, Passed&&) {
    at_ = 0;
    return Value::none();
  }));
}

std::optional<Value> CyclerObject::attribute(std::string_view name) const {
  if (name == "next") return next_;
  if (name == "reset") return reset_;
  if (name == "current") return items_[at_];
  return std::nullopt;
}

}  // namespace chasqui::jinja
