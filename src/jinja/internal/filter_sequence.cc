// house-numbers: table
// Filters on sequences: their parts, their order, their shape.
#include <algorithm>

#include "jinja/internal/fault.h"
#include "jinja/internal/item_path.h"
#include "jinja/internal/operators.h"
#include "jinja/internal/print.h"
#include "jinja/internal/rows.h"
#include "jinja/internal/text_work.h"
#include "jinja/internal/unicode.h"

namespace chasqui::jinja {
namespace {

using A = const Arguments&;
using M = Machine&;

Value generator(M machine, std::vector<Value> items) {
  machine.charge(items.size() * sizeof(Value));
  return Value::object(&machine.make<GeneratorObject>(std::move(items)));
}

Value hint(std::string_view sentence) {
  return Value::undefined(
      {std::make_shared<const std::string>(sentence), Kind::kUndefined, Undefined::Why::kHint});
}

Value length_filter(M, A a) {
  return Value::integer(static_cast<int64_t>(length(a[0])));
}

Value first_filter(M machine, A a) {
  if (a[0].is(Kind::kList) && !a[0].items().empty()) return a[0].items().front();
  const std::vector<Value> items = iterate(machine, a[0]);
  return items.empty() ? hint("No first item, sequence was empty.") : items.front();
}

Value last_filter(M machine, A a) {
  if (a[0].is(Kind::kList) && !a[0].items().empty()) return a[0].items().back();
  const std::vector<Value> items = iterate(machine, a[0]);
  return items.empty() ? hint("No last item, sequence was empty.") : items.back();
}

Value list_filter(M machine, A a) {
  return make_list(machine, iterate(machine, a[0]));
}

Value reverse_filter(M machine, A a) {
  std::vector<Value> items = iterate(machine, a[0]);
  std::reverse(items.begin(), items.end());
  if (!a[0].is(Kind::kString)) return generator(machine, std::move(items));
  Text out;
  for (const Value& item : items) out.append(item.text());
  return Value::string(std::move(out));
}

Value join_filter(M machine, A a) {
  const Text separator = a.given(1) ? to_text(machine, a[1]) : Text();
  const ItemPath path(a[2]);
  Text out;
  bool first = true;
  for (const Value& item : iterate(machine, a[0])) {
    const Text text = to_text(machine, path.of(machine, item));
    machine.charge(separator.size() + text.size());
    if (!std::exchange(first, false)) out.append(separator);
    out.append(text);
  }
  return Value::string(std::move(out));
}

// Strings without their case, unless it matters; other values as they are.
Value sort_key(const Value& value, bool case_sensitive) {
  if (case_sensitive || !value.is(Kind::kString)) return value;
  return Value::string(map_runs(value.text(), lower));
}

// Several attributes "a,b" sort by the first, then by the second.
std::vector<ItemPath> paths_of(A a, size_t index) {
  std::vector<ItemPath> paths;
  if (!a.given(index) || !a[index].is(Kind::kString)) {
    paths.emplace_back(a[index]);
    return paths;
  }
  for (const Text& part : split_by(a[index].text(), ",", -1, false)) {
    paths.emplace_back(Value::string(part));
  }
  return paths;
}

// A stable sort that stays in bounds whatever the comparison says; each item carries its keys.
struct Keyed {
  std::vector<Value> keys;
  Value item;
};

bool before(M machine, const Keyed& a, const Keyed& b) {
  for (size_t i = 0; i < a.keys.size(); ++i) {
    if (equal(a.keys[i], b.keys[i], &machine)) continue;
    return in_order(machine, a.keys[i], Order::kLess, b.keys[i]);
  }
  return false;
}

std::vector<Value> sorted(M machine, std::vector<Keyed> keyed, bool descending) {
  // merge sort: NaN has no order, and std::stable_sort promises nothing then
  std::vector<Keyed> other(keyed.size());
  for (size_t width = 1; width < keyed.size(); width *= 2) {
    for (size_t begin = 0; begin < keyed.size(); begin += 2 * width) {
      const size_t middle = std::min(begin + width, keyed.size());
      const size_t end = std::min(begin + 2 * width, keyed.size());
      size_t left = begin, right = middle;
      for (size_t at = begin; at < end; ++at) {
        const bool both = left < middle && right < end;
        const bool from_right = both ? (descending ? before(machine, keyed[left], keyed[right])
                                                   : before(machine, keyed[right], keyed[left]))
                                     : left == middle;
        other[at] = std::move(keyed[from_right ? right++ : left++]);
      }
    }
    keyed.swap(other);
  }
  std::vector<Value> items;
  for (Keyed& one : keyed) items.push_back(std::move(one.item));
  return items;
}

Value sort_filter(M machine, A a) {
  const std::vector<ItemPath> paths = paths_of(a, 3);
  const bool case_sensitive = a.boolean(2, false);
  std::vector<Keyed> keyed;
  for (const Value& item : iterate(machine, a[0])) {
    Keyed one = {{}, item};
    for (const ItemPath& path : paths) {
      one.keys.push_back(sort_key(path.of(machine, item), case_sensitive));
    }
    keyed.push_back(std::move(one));
  }
  return make_list(machine, sorted(machine, std::move(keyed), a.boolean(1, false)));
}

Value dict_sort_filter(M machine, A a) {
  if (!a[0].is(Kind::kDict)) {
    require_defined(a[0]);
    type_fault("'" + type_name(a[0]) + "' object has no attribute 'items'");
  }
  const Text by = a.text(2, "key");
  if (by.view() != "key" && by.view() != "value") {
    type_fault("You can only sort by either \"key\" or \"value\"");
  }
  std::vector<Keyed> keyed;
  for (const auto& [key, value] : a[0].as_dict().entries()) {
    const Value& chosen = by.view() == "key" ? key : value;
    keyed.push_back({{sort_key(chosen, a.boolean(1, false))},
                     make_list(machine, {key, value}, ListKind::kTuple)});
  }
  return make_list(machine, sorted(machine, std::move(keyed), a.boolean(3, false)));
}

Value unique_filter(M machine, A a) {
  const ItemPath path(a[2]);
  std::vector<Value> keys, unique;
  for (const Value& item : iterate(machine, a[0])) {
    Value key = sort_key(path.of(machine, item), a.boolean(1, false));
    const bool known = std::any_of(keys.begin(), keys.end(),
                                   [&](const Value& other) { return equal(other, key, &machine); });
    if (known) continue;
    keys.push_back(std::move(key));
    unique.push_back(item);
  }
  return generator(machine, std::move(unique));
}

template <bool largest>
Value extreme_filter(M machine, A a) {
  const ItemPath path(a[2]);
  const bool case_sensitive = a.boolean(1, false);
  const std::vector<Value> items = iterate(machine, a[0]);
  if (items.empty()) return hint("No aggregated item, sequence was empty.");
  const Value* best = nullptr;
  Value best_key;
  for (const Value& item : items) {
    Value key = sort_key(path.of(machine, item), case_sensitive);
    const bool better = best == nullptr ||
                        in_order(machine, key, largest ? Order::kGreater : Order::kLess, best_key);
    if (!better) continue;
    best = &item;
    best_key = std::move(key);
  }
  return *best;
}

Value sum_filter(M machine, A a) {
  const ItemPath path(a[1]);
  Value total = a.given(2) ? a[2] : Value::integer(0);
  for (const Value& item : iterate(machine, a[0])) {
    total = calculate(machine, total, Arithmetic::kAdd, path.of(machine, item));
  }
  return total;
}

// Rows of `count` items each; the last one filled up where a filling is given.
Value batch_filter(M machine, A a) {
  const int64_t count = a.integer(1, 1);
  if (count < 1) type_fault("batch() needs a count above 0");
  const auto size = static_cast<size_t>(count);
  std::vector<Value> rows, row;
  for (Value& item : iterate(machine, a[0])) {
    row.push_back(std::move(item));
    if (row.size() == size) rows.push_back(make_list(machine, std::exchange(row, {})));
  }
  if (row.empty()) return generator(machine, std::move(rows));
  if (a.given(2) && !a[2].is(Kind::kNone)) {
    machine.charge((size - row.size()) * sizeof(Value));
    row.resize(size, a[2]);
  }
  rows.push_back(make_list(machine, std::move(row)));
  return generator(machine, std::move(rows));
}

// `count` columns, as equal as can be.
Value slice_filter(M machine, A a) {
  const int64_t count = a.integer(1, 1);
  if (count < 1) type_fault("slice() needs a count above 0");
  const auto columns = static_cast<size_t>(count);
  machine.charge(columns * (sizeof(Value) + sizeof(List)));
  const std::vector<Value> items = iterate(machine, a[0]);
  const size_t each = items.size() / columns, longer = items.size() % columns;
  std::vector<Value> out;
  size_t at = 0;
  for (size_t column = 0; column < columns; ++column) {
    const size_t size = each + (column < longer ? 1 : 0);
    std::vector<Value> part(items.begin() + static_cast<ptrdiff_t>(at),
                            items.begin() + static_cast<ptrdiff_t>(at + size));
    at += size;
    const bool filled = a.given(2) && !a[2].is(Kind::kNone) && longer > 0 && column >= longer;
    if (filled) part.push_back(a[2]);
    out.push_back(make_list(machine, std::move(part)));
  }
  return generator(machine, std::move(out));
}

Value items_filter(M machine, A a) {
  if (a[0].is_undefined()) return generator(machine, {});
  if (!a[0].is(Kind::kDict)) type_fault("Can only get item pairs from a mapping.");
  std::vector<Value> pairs;
  for (const auto& [key, value] : a[0].as_dict().entries()) {
    pairs.push_back(make_list(machine, {key, value}, ListKind::kTuple));
  }
  return generator(machine, std::move(pairs));
}

constexpr Row kRows[] = {
    {"length", "", length_filter},
    {"count", "", length_filter},
    {"first", "", first_filter},
    {"last", "", last_filter},
    {"list", "", list_filter},
    {"reverse", "", reverse_filter},
    {"join", "d? attribute?", join_filter},
    {"sort", "reverse? case_sensitive? attribute?", sort_filter},
    {"dictsort", "case_sensitive? by? reverse?", dict_sort_filter},
    {"unique", "case_sensitive? attribute?", unique_filter},
    {"min", "case_sensitive? attribute?", extreme_filter<false>},
    {"max", "case_sensitive? attribute?", extreme_filter<true>},
    {"sum", "attribute? start?", sum_filter},
    {"batch", "linecount fill_with?", batch_filter},
    {"slice", "slices fill_with?", slice_filter},
    {"items", "", items_filter},
};

}  // namespace

std::span<const Row> sequence_filters() {
  return kRows;
}

}  // namespace chasqui::jinja
