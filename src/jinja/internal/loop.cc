// {% for %} and its `loop` variable.
#include <algorithm>

#include "jinja/internal/fault.h"
#include "jinja/internal/statements.h"

namespace chasqui::jinja {
namespace {

// `loop` of one run over a list of items.
class LoopObject final : public Object {
 public:
  LoopObject(const For& loop, const std::vector<Value>& items, int64_t depth, bool recursive)
      : loop_(loop), items_(items), depth_(depth), recursive_(recursive) {}

  std::string_view type_name() const override { return "LoopContext"; }
  bool callable() const override { return recursive_; }
  Value call(Machine& machine, Passed&& passed) override;
  std::optional<Value> attribute(std::string_view name) const override;

  void advance_to(size_t at) { at_ = at; }
  // Its methods, which are objects of their own.
  void set_methods(Value cycle, Value changed) {
    cycle_ = std::move(cycle);
    changed_ = std::move(changed);
  }
  Value cycle(const Passed& passed) const;
  Value changed(Machine& machine, const Passed& passed);

 private:
  Value neighbour(std::string_view name, size_t at) const {
    return at < items_.size() ? items_[at] : missing_attribute(Kind::kObject, name);
  }

  const For& loop_;
  const std::vector<Value>& items_;
  const int64_t depth_;
  const bool recursive_;
  size_t at_ = 0;
  Value cycle_, changed_;
  std::optional<std::vector<Value>> seen_;  // by the last call of changed()
};

// What follows from the place alone.
struct PlaceRow {
  std::string_view name;
  Value (*value)(int64_t at, int64_t count);
};
constexpr PlaceRow kPlaceRows[] = {
    {"index", [](int64_t at, int64_t) { return Value::integer(at + 1); }},
    {"index0", [](int64_t at, int64_t) { return Value::integer(at); }},
    {"revindex", [](int64_t at, int64_t count) { return Value::integer(count - at); }},
    {"revindex0", [](int64_t at, int64_t count) { return Value::integer(count - at - 1); }},
    {"first", [](int64_t at, int64_t) { return Value::boolean(at == 0); }},
    {"last", [](int64_t at, int64_t count) { return Value::boolean(at + 1 == count); }},
    {"length", [](int64_t, int64_t count) { return Value::integer(count); }},
};

std::optional<Value> LoopObject::attribute(std::string_view name) const {
  for (const PlaceRow& row : kPlaceRows) {
    if (row.name == name) {
      return row.value(static_cast<int64_t>(at_), static_cast<int64_t>(items_.size()));
    }
  }
  if (name == "previtem") return neighbour(name, at_ == 0 ? items_.size() : at_ - 1);
  if (name == "nextitem") return neighbour(name, at_ + 1);
  if (name == "depth") return Value::integer(depth_ + 1);
  if (name == "depth0") return Value::integer(depth_);
  if (name == "cycle") return cycle_;
  if (name == "changed") return changed_;
  return std::nullopt;
}

Value LoopObject::call(Machine& machine, Passed&& passed) {
  if (passed.positional.size() != 1) type_fault("loop() takes one argument");
  Capture capture(machine);
  loop_.run_over(machine, passed.positional[0], depth_ + 1);
  return Value::string(capture.take());
}

Value LoopObject::cycle(const Passed& passed) const {
  if (passed.positional.empty()) type_fault("no items for cycling given");
  return passed.positional[at_ % passed.positional.size()];
}

Value LoopObject::changed(Machine& machine, const Passed& passed) {
  const bool same =
      seen_ &&
      std::equal(seen_->begin(), seen_->end(), passed.positional.begin(), passed.positional.end(),
                 [&](const Value& a, const Value& b) { return equal(a, b, &machine); });
  seen_ = passed.positional;
  return Value::boolean(!same);
}

LoopObject& make_loop(Machine& machine, LoopObject& loop) {
  Value cycle = Value::object(&machine.make<ClosureObject>(
      "method", [&loop](Machine&, Passed&& passed) { return loop.cycle(passed); }));
  Value changed = Value::object(&machine.make<ClosureObject>(
      "method",
      [&loop](Machine& running, Passed&& passed) { return loop.changed(running, passed); }));
  loop.set_methods(std::move(cycle), std::move(changed));
  return loop;
}

// The items of a loop that has ended, for macros and values which still look at its `loop`.
class LoopItems final : public Object {
 public:
  explicit LoopItems(std::vector<Value> all) : items(std::move(all)) {}
  std::string_view type_name() const override { return "items"; }
  const std::vector<Value> items;
};

}  // namespace

Flow For::execute(Machine& machine) const {
  return run_over(machine, spec_.iterable->evaluate(machine), 0);
}

std::vector<Value> For::chosen_items(Machine& machine, const Value& iterable) const {
  std::vector<Value> items = iterate(machine, iterable);
  if (spec_.condition == nullptr) return items;
  std::vector<Value> chosen;
  for (Value& item : items) {
    const ScopeGuard scope(machine);
    spec_.target.assign(machine, item);
    if (truthy(spec_.condition->evaluate(machine))) chosen.push_back(std::move(item));
  }
  return chosen;
}

Flow For::run_over(Machine& machine, const Value& iterable, int64_t depth) const {
  std::vector<Value> own = chosen_items(machine, iterable);
  if (own.empty()) {
    const ScopeGuard scope(machine);
    return run_body(machine, spec_.otherwise);
  }
  LoopObject* loop = nullptr;
  const std::vector<Value>* items = &own;
  if (spec_.loop >= 0) {
    items = &machine.make<LoopItems>(std::move(own)).items;
    loop = &make_loop(machine, machine.make<LoopObject>(*this, *items, depth, spec_.recursive));
  }
  for (size_t at = 0; at < items->size(); ++at) {
    machine.step();
    const ScopeGuard scope(machine);
    spec_.target.assign(machine, (*items)[at]);
    if (loop != nullptr) {
      loop->advance_to(at);
      machine.set(spec_.loop, Value::object(loop));
    }
    if (run_body(machine, spec_.body) == Flow::kBreak) break;
  }
  return Flow::kNext;
}

}  // namespace chasqui::jinja
