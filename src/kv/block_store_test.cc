// What is true of every store, against a twin that searches a list.
#include "kv/block_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>

#include "kv/disk_store.h"
#include "kv/internal/store_file.h"
#include "kv/internal/store_index.h"
#include "kv/internal/store_test_support.h"
#include "kv/ram_store.h"

namespace chasqui::kv {
namespace {

using testing::name_of;
using testing::random_bytes;
using testing::TemporaryFolder;

// Obviously right: everything is a walk over all records.
class Twin {
 public:
  struct Record {
    uint64_t parent = 0;
    std::vector<std::byte> bytes;
    uint64_t used = 0;
  };
  Twin(int64_t capacity, std::function<int64_t(int64_t)> charge)
      : capacity_(capacity), charge_(std::move(charge)) {}

  const std::map<uint64_t, Record>& records() const { return records_; }
  int64_t bytes() const {
    int64_t sum = 0;
    for (const auto& [name, record] : records_) sum += charge(record);
    return sum;
  }
  void touch(uint64_t name) {
    if (records_.contains(name)) records_[name].used = ++clock_;
  }
  void forget(uint64_t name) { records_.erase(name); }
  bool put(uint64_t name, uint64_t parent, const std::vector<std::byte>& bytes) {
    touch(parent);
    if (records_.contains(name)) return false;
    const int64_t need = charge_(static_cast<int64_t>(bytes.size()));
    if (need > capacity_) return false;
    while (this->bytes() + need > capacity_) {
      const uint64_t victim = oldest_end(parent);
      if (victim == 0) return false;
      records_.erase(victim);
    }
    records_[name] = {parent, bytes, ++clock_};
    return true;
  }

 private:
  int64_t charge(const Record& record) const {
    return charge_(static_cast<int64_t>(record.bytes.size()));
  }
  uint64_t oldest_end(uint64_t except) const {
    uint64_t best = 0;
    for (const auto& [name, record] : records_) {
      bool continued = name == except;
      for (const auto& [other, child] : records_) continued |= child.parent == name;
      if (!continued && (best == 0 || record.used < records_.at(best).used)) best = name;
    }
    return best;
  }

  int64_t capacity_;
  std::function<int64_t(int64_t)> charge_;
  std::map<uint64_t, Record> records_;
  uint64_t clock_ = 0;
};

enum class Kind { kRam, kDisk };

class BlockStoreTest : public ::testing::TestWithParam<Kind> {
 protected:
  static constexpr int64_t kRamOverhead = 256;
  static constexpr int64_t kRamRecord = 1264;  // 1000 and that, rounded up to 16

  bool on_disk() const { return GetParam() == Kind::kDisk; }
  // As many records of one page as that, either way.
  int64_t capacity_of(int64_t records) const {
    return records * (on_disk() ? StoreFile::kPageBytes : kRamRecord);
  }
  void open(int64_t capacity) {
    capacity_ = capacity;
    store_.reset();
    if (!on_disk()) {
      store_ = make_ram_store(capacity, 17);
      return;
    }
    auto opened = open_disk_store(folder_.path(), capacity);
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }
  Twin twin() const {
    const auto index = std::make_shared<StoreIndex>(capacity_, on_disk() ? 160 : kRamOverhead,
                                                    on_disk() ? StoreFile::kPageBytes : 16);
    return {capacity_, [index](int64_t bytes) { return index->charge(bytes); }};
  }
  bool put(uint64_t name, uint64_t parent, size_t bytes = 1000) {
    return store_->put(name_of(name), name_of(parent), random_bytes(bytes, name));
  }
  void expect_equal(const Twin& twin, uint64_t names) {
    for (uint64_t name = 1; name < names; ++name) {
      ASSERT_EQ(store_->contains(name_of(name)), twin.records().contains(name)) << name;
    }
    const StoreStats stats = store_->stats();
    EXPECT_EQ(stats.records, static_cast<int64_t>(twin.records().size()));
    EXPECT_EQ(stats.bytes, twin.bytes());
    EXPECT_LE(stats.bytes, capacity_);
    EXPECT_EQ(stats.failures, 0);
  }

  TemporaryFolder folder_;
  int64_t capacity_ = 0;
  std::unique_ptr<BlockStore> store_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, BlockStoreTest, ::testing::Values(Kind::kRam, Kind::kDisk),
                         [](const auto& kind) {
                           return kind.param == Kind::kRam ? "Ram" : "Disk";
                         });

TEST_P(BlockStoreTest, GivesBackWhatWasPut) {
  open(1 << 20);
  EXPECT_TRUE(put(1, 0));
  EXPECT_TRUE(put(2, 1, 50'000));
  EXPECT_FALSE(put(2, 1, 50'000)) << "it is there already";
  std::vector<std::byte> record(50'000);
  EXPECT_TRUE(store_->get(name_of(2), record));
  EXPECT_EQ(record, random_bytes(50'000, 2));
  EXPECT_FALSE(store_->get(name_of(1), record)) << "another size";
  EXPECT_FALSE(store_->get(name_of(3), record));
  store_->forget(name_of(2));
  store_->forget(name_of(2));
  EXPECT_FALSE(store_->contains(name_of(2)));
  EXPECT_FALSE(store_->get(name_of(2), record));
  EXPECT_EQ(store_->stats().records, 1);
}

TEST_P(BlockStoreTest, ALongChainKeepsItsBeginning) {
  open(capacity_of(4));
  for (uint64_t i = 1; i <= 4; ++i) EXPECT_TRUE(put(i, i - 1));
  EXPECT_FALSE(put(5, 4)) << "only what it continues could go";
  for (uint64_t i = 1; i <= 4; ++i) EXPECT_TRUE(store_->contains(name_of(i)));
  EXPECT_TRUE(put(10, 0)) << "another chain takes the place of the end";
  EXPECT_FALSE(store_->contains(name_of(4)));
  EXPECT_TRUE(store_->contains(name_of(3)));
}

TEST_P(BlockStoreTest, WhatCannotFitChangesNothing) {
  open(capacity_of(3));
  EXPECT_TRUE(put(1, 0));
  EXPECT_FALSE(put(2, 0, 200'000));
  EXPECT_TRUE(store_->contains(name_of(1)));
  open(0);
  EXPECT_FALSE(put(3, 0));
}

TEST_P(BlockStoreTest, IsItsTwin) {
  constexpr uint64_t kNames = 60;
  open(capacity_of(20));
  Twin twin = this->twin();
  Rng rng(1);
  const int operations = on_disk() ? 3000 : 30'000;
  for (int i = 0; i < operations; ++i) {
    const uint64_t name = 1 + rng.below(kNames - 1);
    // Chains, branches, and children whose parents are gone or come later.
    const uint64_t parent = rng.below(4) == 0 ? rng.below(name) : name - 1;
    const size_t bytes = rng.below(10) == 0 ? 40'000 : 1000;
    switch (rng.below(8)) {
      case 0: {
        const bool there = twin.records().contains(name);
        std::vector<std::byte> record(there ? twin.records().at(name).bytes.size() : 1000);
        ASSERT_EQ(store_->get(name_of(name), record), there);
        if (there) {
          ASSERT_EQ(record, twin.records().at(name).bytes);
        }
        twin.touch(name);
        break;
      }
      case 1:
        if (on_disk()) break;  // hearing of damage again and again, it would begin anew
        store_->forget(name_of(name));
        twin.forget(name);
        break;
      case 2:
        // Closing settles: the order of use survives, too.
        if (on_disk() && rng.below(10) == 0) open(capacity_);
        store_->settle();
        break;
      default:
        ASSERT_EQ(put(name, parent, bytes), twin.put(name, parent, random_bytes(bytes, name)));
    }
    if (i % 10 == 0) expect_equal(twin, kNames);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(twin.records().size(), 10U);
}

TEST(StoreIndex, RingsAreTakenOut) {
  StoreIndex index(1 << 20, 0, 1);
  // 1 -> 2 -> 3 -> 1, with 4 and 5 behind 3, and an honest chain 6, 7.
  const std::pair<uint64_t, uint64_t> links[] = {{1, 3}, {2, 1}, {3, 2}, {4, 3},
                                                 {5, 4}, {6, 0}, {7, 6}};
  for (const auto& [name, parent] : links) {
    EXPECT_TRUE(index.insert(name_of(name), {name_of(parent), 10, 1, 0}));
  }
  EXPECT_FALSE(index.insert(name_of(9), {name_of(9), 10, 1, 0})) << "a ring of one";
  EXPECT_EQ(index.erase_rings(), 3);
  for (uint64_t name = 1; name <= 7; ++name) {
    EXPECT_EQ(index.contains(name_of(name)), name > 3) << name;
  }
  EXPECT_EQ(index.stats().bytes, 40);
  EXPECT_EQ(index.erase_rings(), 0);
}

}  // namespace
}  // namespace chasqui::kv
