// The compiled form: expressions that evaluate to values, and statements that write. Nodes are
// immutable and belong to a Program; they point to each other plainly.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "jinja/internal/machine.h"
#include "jinja/internal/operators.h"

namespace chasqui::jinja {

class Node {
 public:
  explicit Node(int line) : line_(line) {}
  virtual ~Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  int line() const { return line_; }

 private:
  const int line_;
};

class Expression : public Node {
 public:
  using Node::Node;
  // Counts a step and a level, then computes.
  Value evaluate(Machine& machine) const;

 private:
  virtual Value compute(Machine& machine) const = 0;
};

// What a loop does after a statement.
enum class Flow { kNext, kBreak, kContinue };

class Statement : public Node {
 public:
  using Node::Node;
  Flow run(Machine& machine) const;

 private:
  virtual Flow execute(Machine& machine) const = 0;
};

using Body = std::vector<const Statement*>;
Flow run_body(Machine& machine, const Body& body);
// Runs `body` in a scope of its own and returns what it wrote.
Text capture_body(Machine& machine, const Body& body);

// Arguments of a call, filter or test.
struct CallSpec {
  std::vector<const Expression*> positional;
  std::vector<std::pair<std::string, const Expression*>> named;
  const Expression* more_positional = nullptr;  // *args
  const Expression* more_named = nullptr;       // **kwargs

  Passed evaluate(Machine& machine) const;
};

// Where an assignment goes: a name, an attribute of a namespace, or several targets.
struct Target {
  NameId name = -1;
  std::string attribute;        // not "": of the namespace `name`
  std::vector<Target> several;  // not empty: one for each item

  void assign(Machine& machine, const Value& value) const;
};

// Parameters and body of a macro or call block.
struct MacroSpec {
  std::string name;
  struct Parameter {
    NameId id = -1;
    std::string name;
    const Expression* fallback = nullptr;
  };
  std::vector<Parameter> parameters;
  Body body;
  NameId caller = -1, varargs = -1, kwargs = -1;  // -1: the body does not ask for it
};

// A macro where it was defined.
class MacroObject final : public Object {
 public:
  MacroObject(const MacroSpec& spec, Scope* home) : spec_(spec), home_(home) {}
  std::string_view type_name() const override { return "Macro"; }
  std::optional<Value> attribute(std::string_view name) const override;
  bool callable() const override { return true; }
  Value call(Machine& machine, Passed&& passed) override;

 private:
  void bind(Machine& machine, Passed& passed) const;
  void bind_rest(Machine& machine, Passed& passed, size_t used) const;

  const MacroSpec& spec_;
  Scope* const home_;
};

namespace internal {

// Everything that compile() makes.
struct Program {
  std::vector<std::unique_ptr<const Node>> nodes;  // owns them all
  std::unordered_map<std::string, NameId> ids;     // of every name that the template uses
  Body body;

  template <typename T, typename... Args>
  const T* make(Args&&... args) {
    auto node = std::make_unique<const T>(std::forward<Args>(args)...);
    const T* made = node.get();
    nodes.push_back(std::move(node));
    return made;
  }
  NameId name_id(std::string_view name);
};

}  // namespace internal
}  // namespace chasqui::jinja
