#include "kv/unit_pool.h"

#include <limits>

#include "base/check.h"

namespace chasqui::kv {

UnitPool::UnitPool(int64_t units) {
  CHASQUI_CHECK(units >= 0 && units < std::numeric_limits<UnitId>::max(), "{} units", units);
  const auto count = static_cast<size_t>(units);
  references_.assign(count, 0);
  keys_.resize(count);
  const auto sentinel = static_cast<UnitId>(units);
  next_.assign(count + 1, sentinel);
  previous_.assign(count + 1, sentinel);
  for (UnitId unit = 0; unit < sentinel; ++unit) link_before(unit, sentinel);
  free_ = units;
}

UnitPool::Acquired UnitPool::acquire() {
  const auto sentinel = static_cast<UnitId>(size());
  const UnitId unit = next_[index(sentinel)];
  if (unit == sentinel) return {};
  unlink(unit);
  Acquired acquired{unit, std::move(keys_[index(unit)])};
  keys_[index(unit)].reset();
  if (!acquired.evicted) --free_;
  references_[index(unit)] = 1;
  return acquired;
}

void UnitPool::retain(UnitId unit) {
  int32_t& references = references_[index(unit)];
  if (references == 0) {
    CHASQUI_CHECK(keys_[index(unit)].has_value(), "free unit {} retained", unit);
    unlink(unit);
  }
  ++references;
}

void UnitPool::release(UnitId unit) {
  int32_t& references = references_[index(unit)];
  CHASQUI_CHECK(references > 0, "unit {} released more often than taken", unit);
  if (--references > 0) return;
  const auto sentinel = static_cast<UnitId>(size());
  if (keys_[index(unit)]) {
    link_before(unit, sentinel);
  } else {
    link_before(unit, next_[index(sentinel)]);
    ++free_;
  }
}

void UnitPool::set_key(UnitId unit, const Hash128& key) {
  CHASQUI_CHECK(references_[index(unit)] > 0 && !keys_[index(unit)],
                "unit {} cannot take a key: {} references", unit, references_[index(unit)]);
  keys_[index(unit)] = key;
}

void UnitPool::clear_key(UnitId unit) {
  CHASQUI_CHECK(references_[index(unit)] > 0 && keys_[index(unit)],
                "unit {} has no key to lose: {} references", unit, references_[index(unit)]);
  keys_[index(unit)].reset();
}

void UnitPool::link_before(UnitId unit, UnitId next) {
  const UnitId previous = previous_[index(next)];
  next_[index(unit)] = next;
  previous_[index(unit)] = previous;
  next_[index(previous)] = unit;
  previous_[index(next)] = unit;
  ++listed_;
}

void UnitPool::unlink(UnitId unit) {
  next_[index(previous_[index(unit)])] = next_[index(unit)];
  previous_[index(next_[index(unit)])] = previous_[index(unit)];
  --listed_;
}

void UnitPool::check_integrity() const {
  const auto sentinel = static_cast<UnitId>(size());
  int64_t walked = 0;
  int64_t without_key = 0;
  bool seen_cached = false;
  UnitId before = sentinel;
  for (UnitId unit = next_[index(sentinel)]; unit != sentinel; unit = next_[index(unit)]) {
    // A ring that misses the sentinel would walk forever; the count stops it.
    CHASQUI_CHECK(++walked <= size(), "the list is a loop");
    CHASQUI_CHECK(previous_[index(unit)] == before, "unit {} is badly linked", unit);
    CHASQUI_CHECK(references_[index(unit)] == 0, "unit {} is in use and in the list", unit);
    seen_cached |= keys_[index(unit)].has_value();
    without_key += keys_[index(unit)] ? 0 : 1;
    CHASQUI_CHECK(!seen_cached || keys_[index(unit)], "free unit {} behind a cached one", unit);
    before = unit;
  }
  int64_t unreferenced = 0;
  for (const int32_t references : references_) {
    CHASQUI_CHECK(references >= 0, "negative reference count {}", references);
    unreferenced += references == 0 ? 1 : 0;
  }
  CHASQUI_CHECK(walked == listed_ && walked == unreferenced && without_key == free_,
                "list of {} (counted {}), {} unreferenced, {} free (counted {})", walked, listed_,
                unreferenced, without_key, free_);
  CHASQUI_CHECK(free() + cached() + in_use() == size(), "{} + {} + {} != {}", free(), cached(),
                in_use(), size());
}

}  // namespace chasqui::kv
