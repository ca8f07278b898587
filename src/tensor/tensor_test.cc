#include <gtest/gtest.h>

#include "tensor/arena.h"
#include "tensor/buffer.h"
#include "tensor/dtype.h"

namespace chasqui {
namespace {

TEST(DType, IsFoundByCodeAndByName) {
  for (const DTypeInfo& info : all_dtypes()) {
    EXPECT_EQ(find_dtype(static_cast<uint32_t>(info.type)), &info);
    EXPECT_EQ(find_dtype(info.name), &info);
  }
  EXPECT_EQ(find_dtype("q4_k")->type, DType::kQ4_K);
  EXPECT_EQ(find_dtype(4u), nullptr);
  EXPECT_EQ(find_dtype("Q9_Z"), nullptr);
}

TEST(DType, RowsAreWholeBlocks) {
  EXPECT_EQ(row_bytes(DType::kQ4_K, 512), 288u);
  EXPECT_FALSE(row_bytes(DType::kQ4_K, 500));
  EXPECT_FALSE(row_bytes(DType::kF64, 1ull << 62));
}

TEST(Buffer, IsAlignedAndZeroed) {
  auto buffer = Buffer::allocate(1000);
  ASSERT_TRUE(buffer);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer->data()) % Buffer::kAlignment, 0u);
  EXPECT_EQ(buffer->as<uint8_t>()[999], 0);
  Buffer moved = std::move(*buffer);
  EXPECT_EQ(moved.size(), 1000u);
  EXPECT_FALSE(Buffer::allocate(size_t{1} << 60));
}

TEST(Buffer, BeginsWithAHugePageWhenItIsLarge) {
  for (const size_t bytes : {size_t{2} << 20, (size_t{5} << 20) + 1}) {
    auto buffer = Buffer::allocate(bytes);
    ASSERT_TRUE(buffer);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer->data()) % (size_t{2} << 20), 0u);
    buffer->as<uint8_t>()[bytes - 1] = 1;  // mapped to the end
  }
}

TEST(Arena, BlocksDoNotOverlapAndOutliveIt) {
  std::vector<std::shared_ptr<std::byte>> blocks;
  {
    Arena arena;
    for (size_t i = 0; i < 100; ++i) {
      auto block = arena.allocate(1 + i * 97);
      ASSERT_TRUE(block);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(block->get()) % Buffer::kAlignment, 0u);
      for (size_t b = 0; b < 1 + i * 97; ++b) {
        ASSERT_EQ(block->get()[b], std::byte{0});
        block->get()[b] = static_cast<std::byte>(i);
      }
      blocks.push_back(std::move(*block));
    }
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    EXPECT_EQ(blocks[i].get()[0], static_cast<std::byte>(i));
    EXPECT_EQ(blocks[i].get()[i * 97], static_cast<std::byte>(i));
  }
}

TEST(Arena, TakesBlocksThatNoRegionHolds) {
  Arena arena;
  auto small = arena.allocate(10);
  auto large = arena.allocate(size_t{300} << 20);
  ASSERT_TRUE(small && large);
  large->get()[(size_t{300} << 20) - 1] = std::byte{1};
  EXPECT_TRUE(arena.allocate(10));
  EXPECT_FALSE(arena.allocate(size_t{1} << 60));
  EXPECT_TRUE(arena.allocate(10));
}

TEST(Arena, PlacesEachRegionBeforeItsFirstBlock) {
  std::vector<std::span<std::byte>> placed;
  Arena arena([&](std::span<std::byte> memory) { placed.push_back(memory); });
  const auto first = arena.allocate(1000);
  const auto second = arena.allocate(1000);
  ASSERT_TRUE(first && second);
  ASSERT_EQ(placed.size(), 1u);
  EXPECT_EQ(placed[0].data(), first->get());
  const auto large = arena.allocate(placed[0].size());
  ASSERT_TRUE(large);
  ASSERT_EQ(placed.size(), 2u);
  EXPECT_EQ(placed[1].data(), large->get());
}

}  // namespace
}  // namespace chasqui
