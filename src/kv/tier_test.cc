#include "kv/tier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <semaphore>

#include "kv/internal/store_test_support.h"
#include "kv/ram_store.h"

namespace chasqui::kv {
namespace {

using testing::make_chain;
using testing::random_bytes;

class TierTest : public ::testing::Test {
 protected:
  TierTest() {
    options_.fingerprint = {1, 2};
    options_.shape = {16, 500};
  }
  void make(int64_t capacity = 1 << 20) {
    store_ = make_ram_store(capacity, 1);
    tier_ = std::make_unique<Tier>(store_, options_);
  }
  BlockRecord record(uint64_t seed) const {
    BlockRecord record(options_.shape);
    std::ranges::copy(random_bytes(500, seed), record.content().begin());
    return record;
  }
  void store(size_t block) { tier_->store(chain_[block], record(block)); }
  void work() {
    while (tier_->work()) continue;
  }
  // The contents that come back, as the blocks they were stored for; -1: the end of a chain.
  std::vector<int> taken(LoadId load) {
    std::vector<int> blocks;
    while (auto loaded = tier_->take()) {
      EXPECT_EQ(loaded->load, load);
      blocks.push_back(loaded->record ? block_of(*loaded->record) : -1);
    }
    return blocks;
  }
  int block_of(const BlockRecord& record) const {
    for (size_t i = 0; i < chain_.size(); ++i) {
      if (std::ranges::equal(record.content(), random_bytes(500, i))) return static_cast<int>(i);
    }
    return -2;
  }
  std::vector<OwnedBlockName> first(size_t blocks) const {
    return {chain_.begin(), chain_.begin() + static_cast<int64_t>(blocks)};
  }

  TierOptions options_;
  std::vector<OwnedBlockName> chain_ = make_chain({}, 8, 16, 3);
  std::shared_ptr<BlockStore> store_;
  std::unique_ptr<Tier> tier_;
};

TEST_F(TierTest, AChainComesBackInOrderUntilItsFirstGap) {
  make();
  for (const size_t block : {0, 1, 2, 4}) store(block);
  work();
  const LoadId load = tier_->load(chain_);
  work();
  EXPECT_EQ(taken(load), (std::vector{0, 1, 2, -1}));
  EXPECT_FALSE(tier_->work()) << "the chain has ended";
  EXPECT_EQ(tier_->stats().stored, 4);
  EXPECT_EQ(tier_->stats().loaded, 3);
}

TEST_F(TierTest, WhatIsKnownIsNotStoredAgain) {
  make();
  store(0);
  store(0);
  work();
  EXPECT_EQ(tier_->stats().stored, 1);
  EXPECT_EQ(tier_->stats().dropped, 0);
}

TEST_F(TierTest, ANameOnlyProposes) {
  make();
  store(0);
  work();
  std::vector<OwnedBlockName> forged = first(1);
  forged[0].tokens[3] = 77;  // under the key of another block, as a collision would be
  const LoadId load = tier_->load(forged);
  work();
  EXPECT_EQ(taken(load), std::vector{-1});
  EXPECT_EQ(tier_->stats().damaged, 1);
  EXPECT_FALSE(tier_->contains(chain_[0].key)) << "one of the two must go";
}

TEST_F(TierTest, AnotherModelFindsNothing) {
  make();
  store(0);
  work();
  options_.fingerprint = {1, 3};
  tier_ = std::make_unique<Tier>(store_, options_);
  const LoadId load = tier_->load(first(1));
  work();
  EXPECT_EQ(taken(load), std::vector{-1});
}

TEST_F(TierTest, OtherSizesFindNothing) {
  make();
  store(0);
  work();
  options_.shape.content_bytes = 600;
  tier_ = std::make_unique<Tier>(store_, options_);
  const LoadId load = tier_->load(first(1));
  work();
  const auto loaded = tier_->take();
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->load, load);
  EXPECT_FALSE(loaded->record);
}

TEST_F(TierTest, QueuesAreBounded) {
  options_.store_queue_bytes = 3 * options_.shape.record_bytes();
  options_.load_queue_bytes = 2 * options_.shape.record_bytes();
  make();
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(tier_->takes_stores());
    store(i);
  }
  EXPECT_FALSE(tier_->takes_stores());
  work();
  EXPECT_TRUE(tier_->takes_stores());

  const LoadId load = tier_->load(first(3));
  EXPECT_TRUE(tier_->work());
  EXPECT_TRUE(tier_->work());
  EXPECT_FALSE(tier_->work()) << "nobody has taken the first two";
  store(4);
  EXPECT_TRUE(tier_->work()) << "what is to be stored goes on";
  EXPECT_EQ(taken(load), (std::vector{0, 1}));
  EXPECT_TRUE(tier_->work());
  EXPECT_EQ(taken(load), std::vector{2});
}

TEST_F(TierTest, ChainsTakeTurnsAndGoBeforeStores) {
  make();
  for (size_t i = 0; i < 4; ++i) store(i);
  work();
  store(5);
  const LoadId one = tier_->load(first(2));
  const LoadId two = tier_->load(first(2));
  work();
  std::vector<LoadId> order;
  while (auto loaded = tier_->take()) order.push_back(loaded->load);
  EXPECT_EQ(order, (std::vector{one, two, one, two}));
  EXPECT_TRUE(tier_->contains(chain_[5].key));
}

TEST_F(TierTest, ACancelledChainBringsNothing) {
  make();
  for (size_t i = 0; i < 4; ++i) store(i);
  work();
  const LoadId one = tier_->load(first(4));
  const LoadId two = tier_->load(first(1));
  tier_->work();
  tier_->work();
  tier_->cancel(one);
  tier_->cancel(999);
  work();
  EXPECT_EQ(taken(two), std::vector{0});
}

TEST_F(TierTest, TheThreadDoesTheWorkAndTheEndWritesWhatIsLeft) {
  make();
  std::counting_semaphore<> rings(0);
  tier_->start([&rings] { rings.release(); });
  for (size_t i = 0; i < 4; ++i) store(i);
  while (!tier_->contains(chain_[3].key)) std::this_thread::yield();
  const LoadId load = tier_->load(first(4));
  std::vector<int> blocks;
  while (blocks.size() < 4) {
    rings.acquire();
    for (const int block : taken(load)) blocks.push_back(block);
  }
  EXPECT_EQ(blocks, (std::vector{0, 1, 2, 3}));
  for (size_t i = 4; i < 8; ++i) store(i);
  tier_.reset();
  EXPECT_TRUE(store_->contains(chain_[7].key));
}

}  // namespace
}  // namespace chasqui::kv
