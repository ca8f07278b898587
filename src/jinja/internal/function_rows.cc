// house-numbers: table
// The functions that templates find without anybody passing them: Jinja's own, and the two that
// Hugging Face adds.
#include <algorithm>
#include <array>

#include "jinja/internal/fault.h"
#include "jinja/internal/operators.h"
#include "jinja/internal/print.h"
#include "jinja/internal/rows.h"

namespace chasqui::jinja {
namespace {

using A = const Arguments&;
using M = Machine&;

// The bound that Jinja's sandbox has.
constexpr int64_t kMaxRange = 100'000;

Value range_function(M machine, A a) {
  const bool one = !a.given(1);
  const int64_t begin = one ? 0 : a.integer(0, 0);
  const int64_t end = one ? a.integer(0, 0) : a.integer(1, 0);
  const int64_t step = a.integer(2, 1);
  if (step == 0) type_fault("range() arg 3 must not be zero");
  std::vector<Value> items;
  int64_t at = begin;
  while (step > 0 ? at < end : at > end) {
    if (static_cast<int64_t>(items.size()) >= kMaxRange) {
      limit_fault("a range has more than " + std::to_string(kMaxRange) + " items");
    }
    items.push_back(Value::integer(at));
    if (__builtin_add_overflow(at, step, &at)) break;
  }
  return make_list(machine, std::move(items), ListKind::kRange);
}

// Entries of a mapping, or of a list of pairs.
std::vector<Dict::Entry> entries_of(M machine, const Value& value) {
  if (value.is(Kind::kDict)) return value.as_dict().entries();
  std::vector<Dict::Entry> entries;
  for (const Value& pair : iterate(machine, value)) {
    const std::vector<Value> both = iterate(machine, pair);
    if (both.size() != 2) type_fault("dict() needs pairs of key and value");
    entries.emplace_back(both[0], both[1]);
  }
  return entries;
}

std::vector<Dict::Entry> dict_arguments(M machine, A a) {
  std::vector<Dict::Entry> entries;
  if (a.given(0)) entries = entries_of(machine, a[0]);
  for (const auto& [name, value] : a.named()) {
    entries.emplace_back(Value::string(name, Origin::kCaller), value);
  }
  return entries;
}

Value dict_function(M machine, A a) {
  return make_dict(machine, dict_arguments(machine, a));
}

Value namespace_function(M machine, A a) {
  auto& space = machine.make<NamespaceObject>();
  for (const auto& [key, value] : dict_arguments(machine, a)) {
    if (!key.is(Kind::kString)) type_fault("attributes of a namespace are named by strings");
    space.set(key.view(), value);
  }
  return Value::object(&space);
}

Value cycler_function(M machine, A a) {
  if (a.rest().empty()) type_fault("at least one item has to be provided");
  return Value::object(
      &machine.make<CyclerObject>(machine, std::vector<Value>(a.rest().begin(), a.rest().end())));
}

Value joiner_function(M machine, A a) {
  const Value separator = Value::string(a.text(0, ", "));
  return Value::object(
      &machine.make<ClosureObject>("Joiner", [separator, used = false](Machine&, Passed&&) mutable {
        return std::exchange(used, true) ? separator : Value::string(Text());
      }));
}

Value raise_exception_function(M machine, A a) {
  throw Fault{TemplateError::Kind::kRaised, to_text(machine, a[0]).bytes()};
}

std::tm now(M machine) {
  if (machine.options().now) return *machine.options().now;
  const std::time_t seconds = std::time(nullptr);
  std::tm local = {};
  localtime_r(&seconds, &local);
  return local;
}

Value strftime_now_function(M machine, A a) {
  const Text format = a.text(0, "");
  const std::tm time = now(machine);
  if (format.empty()) return Value::string(Text());
  std::array<char, 1024> buffer{};
  const size_t size = std::strftime(buffer.data(), buffer.size(), format.bytes().c_str(), &time);
  if (size == 0) type_fault("strftime_now() wrote nothing: is the format too long?");
  return Value::string(Text(std::string(buffer.data(), size), format.trusted()));
}

constexpr Row kFunctions[] = {
    {"range", "start stop? step?", range_function},
    {"dict", "mapping? **", dict_function},
    {"namespace", "mapping? **", namespace_function},
    {"cycler", "*", cycler_function},
    {"joiner", "sep?", joiner_function},
    {"raise_exception", "message", raise_exception_function},
    {"strftime_now", "format", strftime_now_function},
};

}  // namespace

std::span<const Row> function_rows() {
  return kFunctions;
}

}  // namespace chasqui::jinja
