#include "kv/block_record.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "kv/internal/store_test_support.h"

namespace chasqui::kv {
namespace {

using testing::make_chain;
using testing::random_bytes;

constexpr RecordShape kShape{16, 300};
const Hash128 kModel{1, 2};

BlockRecord sealed(const OwnedBlockName& block, uint64_t seed) {
  BlockRecord record(kShape);
  std::ranges::copy(random_bytes(300, seed), record.content().begin());
  record.seal(kModel, block.view());
  return record;
}

TEST(BlockRecord, IsWhatWasSealed) {
  const auto chain = make_chain({}, 2, 16, 5);
  const BlockRecord record = sealed(chain[1], 3);
  EXPECT_TRUE(record.is(kModel, chain[1].view()));
  EXPECT_TRUE(std::ranges::equal(record.content(), random_bytes(300, 3)));
}

TEST(BlockRecord, IsNothingElse) {
  const auto chain = make_chain({}, 3, 16, 5);
  const BlockRecord record = sealed(chain[1], 3);
  EXPECT_FALSE(record.is({1, 3}, chain[1].view())) << "another model";
  EXPECT_FALSE(record.is(kModel, chain[0].view()));
  EXPECT_FALSE(record.is(kModel, chain[2].view()));

  // Forged names: one thing differs, and the key is what is looked for.
  OwnedBlockName other = chain[1];
  other.tokens.back() ^= 1;
  EXPECT_FALSE(record.is(kModel, other.view())) << "other tokens under the same key";
  other = chain[1];
  other.parent.high ^= 1;
  EXPECT_FALSE(record.is(kModel, other.view())) << "another prefix under the same key";
  other = chain[1];
  other.key.low ^= 1;
  EXPECT_FALSE(record.is(kModel, other.view()));
  other = chain[1];
  other.tokens.pop_back();
  EXPECT_FALSE(record.is(kModel, other.view()));
}

TEST(BlockRecord, EveryChangedBitIsSeen) {
  const auto chain = make_chain({}, 1, 16, 5);
  BlockRecord record = sealed(chain[0], 4);
  ASSERT_EQ(static_cast<int64_t>(record.bytes().size()), kShape.record_bytes());
  for (std::byte& byte : record.bytes()) {
    for (int bit = 0; bit < 8; ++bit) {
      byte ^= std::byte{1} << bit;
      EXPECT_FALSE(record.is(kModel, chain[0].view())) << &byte - record.bytes().data();
      byte ^= std::byte{1} << bit;
    }
  }
  EXPECT_TRUE(record.is(kModel, chain[0].view()));
}

// Whatever a file gives back: bytes from anywhere, or pieces of good records put together.
TEST(BlockRecord, NoiseIsNoRecord) {
  const auto chain = make_chain({}, 2, 16, 5);
  const BlockRecord one = sealed(chain[0], 5);
  const BlockRecord two = sealed(chain[1], 6);
  Rng rng(7);
  for (int i = 0; i < 20'000; ++i) {
    BlockRecord record(kShape);
    const auto bytes = record.bytes();
    std::ranges::copy(one.bytes(), bytes.begin());
    const size_t begin = rng.below(bytes.size());
    const size_t count = 1 + rng.below(bytes.size() - begin);
    const auto source = i % 2 == 0 ? random_bytes(bytes.size(), static_cast<uint64_t>(i))
                                   : std::vector(two.bytes().begin(), two.bytes().end());
    std::copy_n(source.begin() + static_cast<int64_t>(begin), count,
                bytes.begin() + static_cast<int64_t>(begin));
    const bool same = std::ranges::equal(bytes, one.bytes());
    const bool second = std::ranges::equal(bytes, two.bytes());
    EXPECT_EQ(record.is(kModel, chain[0].view()), same);
    EXPECT_EQ(record.is(kModel, chain[1].view()), second);
  }
}

}  // namespace
}  // namespace chasqui::kv
