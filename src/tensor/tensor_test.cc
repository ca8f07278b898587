#include <gtest/gtest.h>

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

}  // namespace
}  // namespace chasqui
