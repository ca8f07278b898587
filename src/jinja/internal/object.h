// Values with a life of their own: namespaces, loops, macros, functions, generators. A render owns
// every object that it makes until it ends, so values point to them plainly and cycles do no harm.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jinja/internal/rows.h"
#include "jinja/value.h"

namespace chasqui::jinja {

class Machine;

class Object {
 public:
  Object() = default;
  virtual ~Object() = default;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  virtual std::string_view type_name() const = 0;
  // nullopt: there is no such attribute.
  virtual std::optional<Value> attribute(std::string_view) const { return std::nullopt; }
  virtual bool callable() const { return false; }
  // REQUIRES: callable().
  virtual Value call(Machine& machine, Passed&& passed);
  // The items to iterate over; nullptr where there is no iterating.
  virtual const std::vector<Value>* iterate() { return nullptr; }
};

// namespace(...): the one thing whose attributes a template may set.
class NamespaceObject final : public Object {
 public:
  std::string_view type_name() const override { return "Namespace"; }
  std::optional<Value> attribute(std::string_view name) const override;
  void set(std::string_view name, Value value);
  const std::vector<std::pair<std::string, Value>>& attributes() const { return attributes_; }

 private:
  std::vector<std::pair<std::string, Value>> attributes_;
};

// What map, select and their like return: always true, without length, to be walked once.
class GeneratorObject final : public Object {
 public:
  explicit GeneratorObject(std::vector<Value> items) : items_(std::move(items)) {}
  std::string_view type_name() const override { return "generator"; }
  const std::vector<Value>* iterate() override;

 private:
  std::vector<Value> items_;
  bool walked_ = false;
};

// A row of a table as a value: a function, or a method bound to its subject.
class FunctionObject final : public Object {
 public:
  explicit FunctionObject(const Row& row) : row_(row) {}
  FunctionObject(const Row& row, Value subject) : row_(row), subject_(std::move(subject)) {}
  std::string_view type_name() const override { return subject_ ? "method" : "function"; }
  bool callable() const override { return true; }
  Value call(Machine& machine, Passed&& passed) override;

 private:
  const Row& row_;
  const std::optional<Value> subject_;
};

// A function made of a closure: loop.cycle, joiner(), caller and the like.
class ClosureObject final : public Object {
 public:
  using Body = std::function<Value(Machine&, Passed&&)>;
  ClosureObject(std::string_view type_name, Body body)
      : type_name_(type_name), body_(std::move(body)) {}
  std::string_view type_name() const override { return type_name_; }
  bool callable() const override { return true; }
  Value call(Machine& machine, Passed&& passed) override;

 private:
  const std::string_view type_name_;
  const Body body_;
};

class CyclerObject final : public Object {
 public:
  CyclerObject(Machine& machine, std::vector<Value> items);
  std::string_view type_name() const override { return "Cycler"; }
  std::optional<Value> attribute(std::string_view name) const override;

 private:
  std::vector<Value> items_;
  size_t at_ = 0;
  Value next_, reset_;  // its methods
};

}  // namespace chasqui::jinja
