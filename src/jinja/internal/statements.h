// The kinds of statements; semantics in statements.cc and loop.cc.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "jinja/internal/expressions.h"
#include "jinja/internal/nodes.h"

namespace chasqui::jinja {

// Text outside of tags.
class WriteText final : public Statement {
 public:
  WriteText(int line, std::string text) : Statement(line), text_(std::move(text)) {}

 private:
  Flow execute(Machine& machine) const override;
  const std::string text_;
};

// {{ value }}
class Print final : public Statement {
 public:
  Print(int line, const Expression* value) : Statement(line), value_(value) {}

 private:
  Flow execute(Machine& machine) const override;
  const Expression* const value_;
};

// {% if %} with its {% elif %}s; a branch without condition is {% else %}.
class If final : public Statement {
 public:
  struct Branch {
    const Expression* condition = nullptr;
    Body body;
  };
  If(int line, std::vector<Branch> branches) : Statement(line), branches_(std::move(branches)) {}

 private:
  Flow execute(Machine& machine) const override;
  const std::vector<Branch> branches_;
};

struct ForSpec {
  Target target;
  const Expression* iterable = nullptr;
  const Expression* condition = nullptr;  // null: every item
  Body body;
  Body otherwise;
  bool recursive = false;
  NameId loop = -1;  // -1: the body does not look at `loop`
};

class For final : public Statement {
 public:
  For(int line, ForSpec spec) : Statement(line), spec_(std::move(spec)) {}
  // Runs over `iterable`; depth 0 is the outermost loop.
  Flow run_over(Machine& machine, const Value& iterable, int64_t depth) const;

 private:
  Flow execute(Machine& machine) const override;
  std::vector<Value> chosen_items(Machine& machine, const Value& iterable) const;
  const ForSpec spec_;
};

class LoopControl final : public Statement {
 public:
  LoopControl(int line, Flow flow) : Statement(line), flow_(flow) {}

 private:
  Flow execute(Machine&) const override { return flow_; }
  const Flow flow_;
};

// {% set target = value %}
class Set final : public Statement {
 public:
  Set(int line, Target target, const Expression* value)
      : Statement(line), target_(std::move(target)), value_(value) {}

 private:
  Flow execute(Machine& machine) const override;
  const Target target_;
  const Expression* const value_;
};

// {% set target %}body{% endset %} and {% filter %}body{% endfilter %}, which has no target.
class CaptureBlock final : public Statement {
 public:
  // `filter` null: none. It takes machine.captured as its subject.
  CaptureBlock(int line, Target target, const Expression* filter, Body body)
      : Statement(line), target_(std::move(target)), filter_(filter), body_(std::move(body)) {}

 private:
  Flow execute(Machine& machine) const override;
  const Target target_;
  const Expression* const filter_;
  const Body body_;
};

// {% macro %}
class DefineMacro final : public Statement {
 public:
  DefineMacro(int line, NameId id, MacroSpec spec)
      : Statement(line), id_(id), spec_(std::move(spec)) {}

 private:
  Flow execute(Machine& machine) const override;
  const NameId id_;
  const MacroSpec spec_;
};

// {% call(...) macro(...) %}body{% endcall %}
class CallBlock final : public Statement {
 public:
  CallBlock(int line, const Call* call, MacroSpec spec)
      : Statement(line), call_(call), spec_(std::move(spec)) {}

 private:
  Flow execute(Machine& machine) const override;
  const Call* const call_;
  const MacroSpec spec_;
};

// {% with %}, {% block %} and {% generation %}: a scope of their own.
class Block final : public Statement {
 public:
  using Variables = std::vector<std::pair<Target, const Expression*>>;
  Block(int line, Variables variables, Body body)
      : Statement(line), variables_(std::move(variables)), body_(std::move(body)) {}

 private:
  Flow execute(Machine& machine) const override;
  const Variables variables_;
  const Body body_;
};

}  // namespace chasqui::jinja
