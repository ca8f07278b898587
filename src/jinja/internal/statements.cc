#include "jinja/internal/statements.h"

#include "jinja/internal/fault.h"
#include "jinja/internal/print.h"

namespace chasqui::jinja {

Flow Statement::run(Machine& machine) const {
  machine.step();
  const DepthGuard depth(machine);
  machine.line = line();
  return execute(machine);
}

Flow run_body(Machine& machine, const Body& body) {
  for (const Statement* statement : body) {
    const Flow flow = statement->run(machine);
    if (flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

Text capture_body(Machine& machine, const Body& body) {
  Capture capture(machine);
  const ScopeGuard scope(machine);
  run_body(machine, body);
  return capture.take();
}

void Target::assign(Machine& machine, const Value& value) const {
  if (!several.empty()) {
    const std::vector<Value> items = iterate(machine, value);
    if (items.size() != several.size()) {
      type_fault("cannot unpack " + std::to_string(items.size()) + " values into " +
                 std::to_string(several.size()) + " names");
    }
    for (size_t i = 0; i < items.size(); ++i) several[i].assign(machine, items[i]);
    return;
  }
  if (attribute.empty()) return machine.set(name, value);
  const Value* owner = machine.find(name);
  auto* space = owner != nullptr && owner->is(Kind::kObject)
                    ? dynamic_cast<NamespaceObject*>(&owner->as_object())
                    : nullptr;
  if (space == nullptr) type_fault("cannot assign attribute on non-namespace object");
  space->set(attribute, value);
}

Flow WriteText::execute(Machine& machine) const {
  machine.write(text_, true);
  return Flow::kNext;
}

Flow Print::execute(Machine& machine) const {
  const Value value = value_->evaluate(machine);
  machine.line = line();
  if (value.is(Kind::kString)) {
    machine.write(value.text());
  } else {
    machine.write(to_text(machine, value));
  }
  return Flow::kNext;
}

Flow If::execute(Machine& machine) const {
  for (const Branch& branch : branches_) {
    if (branch.condition != nullptr && !truthy(branch.condition->evaluate(machine))) continue;
    return run_body(machine, branch.body);
  }
  return Flow::kNext;
}

Flow Set::execute(Machine& machine) const {
  target_.assign(machine, value_->evaluate(machine));
  return Flow::kNext;
}

Flow CaptureBlock::execute(Machine& machine) const {
  Value value = Value::string(capture_body(machine, body_));
  if (filter_ != nullptr) {
    std::swap(machine.captured, value);
    Value filtered = filter_->evaluate(machine);
    machine.captured = std::move(value);
    value = std::move(filtered);
  }
  const bool is_filter_block = target_.name < 0 && target_.several.empty();
  if (is_filter_block) {
    machine.write(to_text(machine, value));
  } else {
    target_.assign(machine, value);
  }
  return Flow::kNext;
}

Flow DefineMacro::execute(Machine& machine) const {
  machine.mark_captured();
  machine.set(id_, Value::object(&machine.make<MacroObject>(spec_, machine.scope())));
  return Flow::kNext;
}

Flow CallBlock::execute(Machine& machine) const {
  machine.mark_captured();
  const Value caller = Value::object(&machine.make<MacroObject>(spec_, machine.scope()));
  machine.write(to_text(machine, call_->call_with(machine, &caller)));
  return Flow::kNext;
}

Flow Block::execute(Machine& machine) const {
  std::vector<Value> values;
  for (const auto& variable : variables_) values.push_back(variable.second->evaluate(machine));
  const ScopeGuard scope(machine);
  for (size_t i = 0; i < values.size(); ++i) variables_[i].first.assign(machine, values[i]);
  return run_body(machine, body_);
}

std::optional<Value> MacroObject::attribute(std::string_view name) const {
  if (name == "name") return Value::string(spec_.name, Origin::kTemplate);
  if (name == "caller") return Value::boolean(spec_.caller >= 0);
  if (name == "catch_varargs") return Value::boolean(spec_.varargs >= 0);
  if (name == "catch_kwargs") return Value::boolean(spec_.kwargs >= 0);
  if (name != "arguments") return std::nullopt;
  std::vector<Value> names;
  for (const MacroSpec::Parameter& parameter : spec_.parameters) {
    names.push_back(Value::string(parameter.name, Origin::kTemplate));
  }
  return Value::list(std::move(names), ListKind::kTuple);
}

Value MacroObject::call(Machine& machine, Passed&& passed) {
  Capture capture(machine);
  const ScopeGuard scope(machine, home_);
  bind(machine, passed);
  run_body(machine, spec_.body);
  return Value::string(capture.take());
}

void MacroObject::bind(Machine& machine, Passed& passed) const {
  size_t used = 0;
  for (const MacroSpec::Parameter& parameter : spec_.parameters) {
    const auto by_name =
        std::find_if(passed.named.begin(), passed.named.end(),
                     [&](const auto& item) { return item.first == parameter.name; });
    if (used < passed.positional.size()) {
      machine.set(parameter.id, std::move(passed.positional[used++]));
    } else if (by_name != passed.named.end()) {
      machine.set(parameter.id, std::move(by_name->second));
      passed.named.erase(by_name);
    } else if (parameter.fallback != nullptr) {
      machine.set(parameter.id, parameter.fallback->evaluate(machine));
    } else {
      auto hint = std::make_shared<const std::string>("parameter '" + parameter.name +
                                                      "' was not provided");
      machine.set(parameter.id,
                  Value::undefined({std::move(hint), Kind::kUndefined, Undefined::Why::kHint}));
    }
  }
  bind_rest(machine, passed, used);
}

void MacroObject::bind_rest(Machine& machine, Passed& passed, size_t used) const {
  const auto caller = std::find_if(passed.named.begin(), passed.named.end(),
                                   [](const auto& item) { return item.first == "caller"; });
  if (spec_.caller >= 0) {
    auto hint = std::make_shared<const std::string>("No caller defined");
    Value given = Value::undefined({std::move(hint), Kind::kUndefined, Undefined::Why::kHint});
    if (caller != passed.named.end()) {
      given = std::move(caller->second);
      passed.named.erase(caller);
    }
    machine.set(spec_.caller, std::move(given));
  }
  const auto rest = passed.positional.begin() + static_cast<ptrdiff_t>(used);
  if (spec_.varargs >= 0) {
    machine.set(spec_.varargs,
                make_list(machine, {rest, passed.positional.end()}, ListKind::kTuple));
  } else if (rest != passed.positional.end()) {
    type_fault("macro '" + spec_.name + "' takes not more than " +
               std::to_string(spec_.parameters.size()) + " argument(s)");
  }
  if (spec_.kwargs >= 0) {
    std::vector<Dict::Entry> entries;
    for (auto& [name, value] : passed.named) {
      entries.emplace_back(Value::string(name, Origin::kTemplate), std::move(value));
    }
    machine.set(spec_.kwargs, make_dict(machine, std::move(entries)));
  } else if (!passed.named.empty()) {
    type_fault("macro '" + spec_.name + "' takes no keyword argument '" +
               passed.named.front().first + "'");
  }
}

}  // namespace chasqui::jinja
