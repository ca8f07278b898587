// The kinds of expressions; semantics in expressions.cc.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "jinja/internal/nodes.h"

namespace chasqui::jinja {

class Constant final : public Expression {
 public:
  Constant(int line, Value value) : Expression(line), value_(std::move(value)) {}

 private:
  Value compute(Machine&) const override { return value_; }
  const Value value_;
};

class Name final : public Expression {
 public:
  Name(int line, NameId id, std::string name)
      : Expression(line),
        id_(id),
        name_(std::make_shared<const std::string>(std::move(name))),
        function_(find_function(*name_)) {}

 private:
  Value compute(Machine& machine) const override;
  const NameId id_;
  const std::shared_ptr<const std::string> name_;
  const Row* const function_;  // what the name means where no variable hides it
};

class ListLiteral final : public Expression {
 public:
  ListLiteral(int line, std::vector<const Expression*> items, ListKind kind)
      : Expression(line), items_(std::move(items)), kind_(kind) {}

 private:
  Value compute(Machine& machine) const override;
  const std::vector<const Expression*> items_;
  const ListKind kind_;
};

class DictLiteral final : public Expression {
 public:
  using Entries = std::vector<std::pair<const Expression*, const Expression*>>;
  DictLiteral(int line, Entries entries) : Expression(line), entries_(std::move(entries)) {}

 private:
  Value compute(Machine& machine) const override;
  const Entries entries_;
};

class Attribute final : public Expression {
 public:
  Attribute(int line, const Expression* owner, std::string name)
      : Expression(line), owner_(owner), name_(std::move(name)) {}
  const Expression& owner() const { return *owner_; }
  const std::string& name() const { return name_; }

 private:
  Value compute(Machine& machine) const override;
  const Expression* const owner_;
  const std::string name_;
};

class Item final : public Expression {
 public:
  Item(int line, const Expression* owner, const Expression* key)
      : Expression(line), owner_(owner), key_(key) {}

 private:
  Value compute(Machine& machine) const override;
  const Expression* const owner_;
  const Expression* const key_;
};

class Slice final : public Expression {
 public:
  // Null: left out.
  struct Bounds {
    const Expression* begin = nullptr;
    const Expression* end = nullptr;
    const Expression* step = nullptr;
  };
  Slice(int line, const Expression* owner, Bounds bounds)
      : Expression(line), owner_(owner), bounds_(bounds) {}

 private:
  Value compute(Machine& machine) const override;
  const Expression* const owner_;
  const Bounds bounds_;
};

class Call final : public Expression {
 public:
  Call(int line, const Expression* function, CallSpec arguments)
      : Expression(line),
        function_(function),
        method_(dynamic_cast<const Attribute*>(function)),
        arguments_(std::move(arguments)) {}
  // With one more named argument, "caller".
  Value call_with(Machine& machine, const Value* caller) const;

 private:
  Value compute(Machine& machine) const override { return call_with(machine, nullptr); }
  const Expression* const function_;
  const Attribute* const method_;  // function_, where it is an attribute
  const CallSpec arguments_;
};

class Filter final : public Expression {
 public:
  // `subject` null: what the surrounding block captured.
  Filter(int line, const Expression* subject, std::string name, CallSpec arguments)
      : Expression(line),
        subject_(subject),
        name_(std::move(name)),
        row_(find_filter(name_)),
        arguments_(std::move(arguments)) {}

 private:
  Value compute(Machine& machine) const override;
  const Expression* const subject_;
  const std::string name_;
  const Row* const row_;  // null: there is none
  const CallSpec arguments_;
};

class Test final : public Expression {
 public:
  Test(int line, const Expression* subject, std::string name, CallSpec arguments)
      : Expression(line),
        subject_(subject),
        name_(std::move(name)),
        row_(find_test(name_)),
        arguments_(std::move(arguments)) {}

 private:
  Value compute(Machine& machine) const override;
  const Expression* const subject_;
  const std::string name_;
  const Row* const row_;
  const CallSpec arguments_;
};

enum class Unary { kNegative, kPositive, kNot };
class UnaryOperation final : public Expression {
 public:
  UnaryOperation(int line, Unary operation, const Expression* operand)
      : Expression(line), operation_(operation), operand_(operand) {}

 private:
  Value compute(Machine& machine) const override;
  const Unary operation_;
  const Expression* const operand_;
};

class BinaryOperation final : public Expression {
 public:
  BinaryOperation(int line, const Expression* left, Arithmetic operation, const Expression* right)
      : Expression(line), left_(left), operation_(operation), right_(right) {}

 private:
  Value compute(Machine& machine) const override;
  const Expression* const left_;
  const Arithmetic operation_;
  const Expression* const right_;
};

// a ~ b ~ c
class Concatenation final : public Expression {
 public:
  Concatenation(int line, std::vector<const Expression*> parts)
      : Expression(line), parts_(std::move(parts)) {}

 private:
  Value compute(Machine& machine) const override;
  const std::vector<const Expression*> parts_;
};

enum class Comparator {
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kNotIn
};
// a < b <= c
class Comparison final : public Expression {
 public:
  using Links = std::vector<std::pair<Comparator, const Expression*>>;
  Comparison(int line, const Expression* first, Links links)
      : Expression(line), first_(first), links_(std::move(links)) {}

 private:
  Value compute(Machine& machine) const override;
  const Expression* const first_;
  const Links links_;
};

// `and` and `or`, which yield one of their operands.
class Logical final : public Expression {
 public:
  Logical(int line, const Expression* left, bool is_and, const Expression* right)
      : Expression(line), left_(left), is_and_(is_and), right_(right) {}

 private:
  Value compute(Machine& machine) const override;
  const Expression* const left_;
  const bool is_and_;
  const Expression* const right_;
};

class Conditional final : public Expression {
 public:
  // `otherwise` null: undefined.
  Conditional(int line, const Expression* condition, const Expression* then,
              const Expression* otherwise)
      : Expression(line), condition_(condition), then_(then), otherwise_(otherwise) {}

 private:
  Value compute(Machine& machine) const override;
  const Expression* const condition_;
  const Expression* const then_;
  const Expression* const otherwise_;
};

}  // namespace chasqui::jinja
