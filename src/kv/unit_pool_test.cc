#include "kv/unit_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <vector>

#include "base/rng.h"

namespace chasqui::kv {
namespace {

Hash128 key_of(uint64_t n) {
  return {n, ~n};
}

// The pool as one would explain it on a napkin: a row of unreferenced units, free ones in front.
class NaivePool {
 public:
  explicit NaivePool(int units) : units_(static_cast<size_t>(units)) {
    for (int unit = 0; unit < units; ++unit) row_.push_back(unit);
  }

  UnitPool::Acquired acquire() {
    if (row_.empty()) return {};
    const int unit = row_.front();
    row_.pop_front();
    UnitPool::Acquired acquired{unit, at(unit).key};
    at(unit) = {1, std::nullopt};
    return acquired;
  }

  void retain(int unit) {
    row_.erase(std::remove(row_.begin(), row_.end(), unit), row_.end());
    ++at(unit).references;
  }

  void release(int unit) {
    if (--at(unit).references > 0) return;
    if (at(unit).key) {
      row_.push_back(unit);
    } else {
      row_.push_front(unit);
    }
  }

  void set_key(int unit, Hash128 key) { at(unit).key = key; }
  void clear_key(int unit) { at(unit).key.reset(); }

  struct Unit {
    int references = 0;
    std::optional<Hash128> key;
  };
  Unit& at(int unit) { return units_[static_cast<size_t>(unit)]; }
  std::vector<int> where(auto condition) {
    std::vector<int> found;
    for (int unit = 0; unit < static_cast<int>(units_.size()); ++unit) {
      if (condition(at(unit))) found.push_back(unit);
    }
    return found;
  }

 private:
  std::vector<Unit> units_;
  std::deque<int> row_;
};

struct Pair {
  UnitPool real{23};
  NaivePool naive{23};
};

// Does `step` of one kind to both pools, on a unit that the operation's contract allows.
void drive(Pair& pools, Rng& rng, uint64_t step) {
  const auto pick = [&rng](const std::vector<int>& units) {
    return units.empty() ? kNoUnit : units[rng.below(units.size())];
  };
  const uint64_t what = rng.below(11);
  if (what < 3) {
    const auto expected = pools.naive.acquire();
    const auto got = pools.real.acquire();
    ASSERT_EQ(got.unit, expected.unit);
    ASSERT_EQ(got.evicted, expected.evicted);
  } else if (what < 5) {
    const int unit =
        pick(pools.naive.where([](const auto& u) { return u.references > 0 || u.key; }));
    if (unit == kNoUnit) return;
    pools.naive.retain(unit);
    pools.real.retain(unit);
  } else if (what < 8) {
    const int unit = pick(pools.naive.where([](const auto& u) { return u.references > 0; }));
    if (unit == kNoUnit) return;
    pools.naive.release(unit);
    pools.real.release(unit);
  } else if (what < 9) {
    const int unit =
        pick(pools.naive.where([](const auto& u) { return u.references > 0 && u.key; }));
    if (unit == kNoUnit) return;
    pools.naive.clear_key(unit);
    pools.real.clear_key(unit);
  } else {
    const int unit =
        pick(pools.naive.where([](const auto& u) { return u.references > 0 && !u.key; }));
    if (unit == kNoUnit) return;
    pools.naive.set_key(unit, key_of(step));
    pools.real.set_key(unit, key_of(step));
  }
}

TEST(UnitPool, AgreesWithTheNaiveModelOver100000Operations) {
  Pair pools;
  Rng rng(1);
  for (uint64_t step = 0; step < 100'000; ++step) {
    drive(pools, rng, step);
    if (HasFatalFailure()) FAIL() << "at step " << step;
    const auto free = pools.naive.where([](const auto& u) { return u.references == 0 && !u.key; });
    const auto cached = pools.naive.where([](const auto& u) { return u.references == 0 && u.key; });
    ASSERT_EQ(pools.real.free(), static_cast<int64_t>(free.size())) << step;
    ASSERT_EQ(pools.real.cached(), static_cast<int64_t>(cached.size())) << step;
    if (step % 16 == 0) pools.real.check_integrity();
  }
}

TEST(UnitPool, SpendsFreeUnitsBeforeCachedOnesAndOldBeforeYoung) {
  UnitPool pool(3);
  for (int i = 0; i < 3; ++i) pool.acquire();
  EXPECT_EQ(pool.acquire().unit, kNoUnit);
  pool.set_key(0, key_of(0));
  pool.set_key(1, key_of(1));
  pool.release(1);
  pool.release(0);
  pool.release(2);
  EXPECT_EQ(pool.free(), 1);
  EXPECT_EQ(pool.acquire().unit, 2);
  const auto evicted = pool.acquire();
  EXPECT_EQ(evicted.unit, 1);
  EXPECT_EQ(evicted.evicted, key_of(1));
}

TEST(UnitPool, AnEmptyPoolGivesNothing) {
  UnitPool pool(0);
  EXPECT_EQ(pool.acquire().unit, kNoUnit);
  pool.check_integrity();
}

TEST(UnitPoolDeathTest, NoticesMisuse) {
  UnitPool pool(1);
  EXPECT_DEATH(pool.retain(0), "free unit 0 retained");
  EXPECT_DEATH(pool.release(0), "released more often");
  EXPECT_DEATH(pool.set_key(0, key_of(0)), "cannot take a key");
  EXPECT_DEATH(pool.clear_key(0), "no key to lose");
}

}  // namespace
}  // namespace chasqui::kv
