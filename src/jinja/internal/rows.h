// Built-in filters, tests, functions and methods as rows of tables, and how arguments reach them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jinja/value.h"

namespace chasqui::jinja {

class Arguments;
class Machine;

// Arguments as a call passes them.
struct Passed {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

struct Row {
  std::string_view name;
  // Names of the parameters after the subject, in order: "old new count?". A "?" marks those that
  // may be left out; "*" takes any more positional ones, "**" any more named ones.
  std::string_view parameters;
  Value (*call)(Machine& machine, const Arguments& arguments);
};

// Arguments bound to the parameters of a row. Index 0 is the subject of a filter, test or method;
// functions have none, and start at 0.
class Arguments {
 public:
  // Throws a type fault that names the function where they do not fit.
  Arguments(const Row& row, const Value* subject, Passed&& passed);

  std::string_view function() const { return function_; }
  // Undefined where it was left out.
  const Value& operator[](size_t index) const { return bound_[index]; }
  bool given(size_t index) const { return given_[index]; }
  std::span<const Value> rest() const { return rest_; }
  const std::vector<std::pair<std::string, Value>>& named() const { return named_; }

  // The argument as that type, or `fallback` where it was left out or (integers) is None.
  int64_t integer(size_t index, int64_t fallback) const;
  bool boolean(size_t index, bool fallback) const;
  Text text(size_t index, std::string_view fallback) const;

  // Bytes and items that the arguments hold, for the machine's accounts.
  size_t weight() const;

 private:
  std::string_view function_;
  std::vector<Value> bound_;
  std::vector<bool> given_;
  std::vector<Value> rest_;
  std::vector<std::pair<std::string, Value>> named_;
};

// Binds, accounts and calls.
Value call_row(Machine& machine, const Row& row, const Value* subject, Passed&& passed);

// The tables. nullptr: there is no row of that name.
const Row* find_filter(std::string_view name);
const Row* find_test(std::string_view name);
const Row* find_function(std::string_view name);
const Row* find_method(Kind kind, std::string_view name);
// Methods that Python has and the sandbox forbids, since they change their subject.
bool is_forbidden_method(Kind kind, std::string_view name);

// The parts that the tables are made of, one file each.
std::span<const Row> text_filters();
std::span<const Row> markup_filters();
std::span<const Row> sequence_filters();
std::span<const Row> selection_filters();
std::span<const Row> number_filters();
std::span<const Row> test_rows();
std::span<const Row> function_rows();
std::span<const Row> string_methods();
std::span<const Row> string_checks();
std::span<const Row> dict_methods();
std::span<const Row> list_methods();

}  // namespace chasqui::jinja
