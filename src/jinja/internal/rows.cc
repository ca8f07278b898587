#include "jinja/internal/rows.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "jinja/internal/fault.h"
#include "jinja/internal/machine.h"
#include "jinja/internal/operators.h"
#include "jinja/internal/print.h"

namespace chasqui::jinja {
namespace {

using Table = std::unordered_map<std::string_view, const Row*>;

Table make_table(std::initializer_list<std::span<const Row>> parts) {
  Table table;
  for (const std::span<const Row> part : parts) {
    for (const Row& row : part) table.emplace(row.name, &row);
  }
  return table;
}

const Row* find(const Table& table, std::string_view name) {
  const auto found = table.find(name);
  return found == table.end() ? nullptr : found->second;
}

// Cuts the first word off `words`.
std::string_view next_word(std::string_view& words) {
  const size_t end = std::min(words.find(' '), words.size());
  const std::string_view word = words.substr(0, end);
  words.remove_prefix(std::min(end + 1, words.size()));
  return word;
}

std::string call_name(std::string_view function) {
  return std::string(function) + "()";
}

size_t weight_of(const Value& value) {
  if (value.is(Kind::kString)) return value.view().size();
  if (value.is(Kind::kList)) return value.items().size() * sizeof(Value);
  if (value.is(Kind::kDict)) return value.as_dict().entries().size() * sizeof(Value);
  return 0;
}

}  // namespace

Arguments::Arguments(const Row& row, const Value* subject, Passed&& passed) : function_(row.name) {
  size_t used = 0;
  if (subject != nullptr) {
    bound_.push_back(*subject);
    given_.push_back(true);
  }
  bool any_named = false, any_positional = false;
  for (std::string_view words = row.parameters; !words.empty();) {
    std::string_view name = next_word(words);
    if (name == "*" || name == "**") {
      (name == "*" ? any_positional : any_named) = true;
      continue;
    }
    const bool optional = name.ends_with('?');
    if (optional) name.remove_suffix(1);
    const auto by_name = std::find_if(passed.named.begin(), passed.named.end(),
                                      [&](const auto& item) { return item.first == name; });
    const bool is_positional = used < passed.positional.size();
    if (!is_positional && by_name == passed.named.end() && !optional) {
      type_fault(call_name(function_) + " misses its argument '" + std::string(name) + "'");
    }
    given_.push_back(is_positional || by_name != passed.named.end());
    if (is_positional) {
      bound_.push_back(std::move(passed.positional[used++]));
    } else if (given_.back()) {
      bound_.push_back(std::move(by_name->second));
      passed.named.erase(by_name);
    } else {
      bound_.emplace_back();
    }
  }
  rest_.assign(std::make_move_iterator(passed.positional.begin() + static_cast<ptrdiff_t>(used)),
               std::make_move_iterator(passed.positional.end()));
  named_ = std::move(passed.named);
  if (!any_positional && !rest_.empty()) {
    type_fault(call_name(function_) + " takes at most " + std::to_string(used) +
               " arguments, but got " + std::to_string(used + rest_.size()));
  }
  if (!any_named && !named_.empty()) {
    type_fault(call_name(function_) + " takes no argument '" + named_.front().first + "'");
  }
}

int64_t Arguments::integer(size_t index, int64_t fallback) const {
  if (!given(index) || bound_[index].is(Kind::kNone)) return fallback;
  const Value& value = bound_[index];
  if (value.is(Kind::kInt)) return value.as_int();
  if (value.is(Kind::kBool)) return value.as_bool() ? 1 : 0;
  type_fault(call_name(function_) + " needs an integer, but got '" + type_name(value) + "'");
}

bool Arguments::boolean(size_t index, bool fallback) const {
  return given(index) ? truthy(bound_[index]) : fallback;
}

Text Arguments::text(size_t index, std::string_view fallback) const {
  if (!given(index)) return Text(std::string(fallback), true);
  if (bound_[index].is(Kind::kString)) return bound_[index].text();
  type_fault(call_name(function_) + " needs a string, but got '" + type_name(bound_[index]) + "'");
}

size_t Arguments::weight() const {
  size_t total = 0;
  for (const Value& value : bound_) total += weight_of(value);
  for (const Value& value : rest_) total += weight_of(value);
  return total;
}

Value call_row(Machine& machine, const Row& row, const Value* subject, Passed&& passed) {
  const Arguments arguments(row, subject, std::move(passed));
  machine.work(arguments.weight());
  Value result = row.call(machine, arguments);
  machine.charge(weight_of(result));
  return result;
}

const Row* find_filter(std::string_view name) {
  static const Table table = make_table({text_filters(), markup_filters(), sequence_filters(),
                                         selection_filters(), number_filters()});
  return find(table, name);
}

const Row* find_test(std::string_view name) {
  static const Table table = make_table({test_rows()});
  return find(table, name);
}

const Row* find_function(std::string_view name) {
  static const Table table = make_table({function_rows()});
  return find(table, name);
}

const Row* find_method(Kind kind, std::string_view name) {
  static const Table strings = make_table({string_methods(), string_checks()});
  static const Table dicts = make_table({dict_methods()});
  static const Table lists = make_table({list_methods()});
  if (kind == Kind::kString) return find(strings, name);
  if (kind == Kind::kDict) return find(dicts, name);
  if (kind == Kind::kList) return find(lists, name);
  return nullptr;
}

bool is_forbidden_method(Kind kind, std::string_view name) {
  constexpr std::array<std::string_view, 8> kOfLists = {"append", "clear",  "extend",  "insert",
                                                        "pop",    "remove", "reverse", "sort"};
  constexpr std::array<std::string_view, 5> kOfDicts = {"clear", "pop", "popitem", "setdefault",
                                                        "update"};
  if (kind == Kind::kList) return std::ranges::find(kOfLists, name) != kOfLists.end();
  if (kind == Kind::kDict) return std::ranges::find(kOfDicts, name) != kOfDicts.end();
  return false;
}

}  // namespace chasqui::jinja
