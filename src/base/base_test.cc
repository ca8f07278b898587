#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <limits>

#include "base/checked_math.h"
#include "base/hash.h"
#include "base/mapped_file.h"
#include "base/result.h"
#include "base/rng.h"

namespace chasqui {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return fail(ErrorCode::kInvalidArgument, "odd", "value");
  return value / 2;
}

Result<int> quarter(int value) {
  CHASQUI_TRY(const int once, half(value));
  CHASQUI_TRY(const int twice, half(once));
  return twice;
}

TEST(Result, TryPassesValuesAndErrors) {
  EXPECT_EQ(quarter(12).value(), 3);
  const auto failed = quarter(6);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "odd");
  EXPECT_EQ(failed.error().param, "value");
}

TEST(CheckedMath, NoticesOverflow) {
  const uint64_t huge = std::numeric_limits<uint64_t>::max();
  EXPECT_EQ(checked_add(1, 2), 3u);
  EXPECT_FALSE(checked_add(huge, 1));
  EXPECT_FALSE(checked_mul(1ull << 33, 1ull << 31));
  const uint64_t factors[] = {1ull << 20, 1ull << 20, 1ull << 24};
  EXPECT_FALSE(checked_product(factors));
  EXPECT_EQ(checked_align_up(33, 32), 64u);
  EXPECT_FALSE(checked_align_up(huge, 32));
}

TEST(Rng, IsTheSameEverywhere) {
  Rng a(42), b(42), c(43);
  const uint64_t first = a.next();
  EXPECT_EQ(first, b.next());
  EXPECT_NE(first, c.next());
  for (int i = 0; i < 1000; ++i) {
    EXPECT_LT(a.below(7), 7u);
    const double u = a.uniform();
    EXPECT_GE(u, 0.0);
    EXPECT_LT(u, 1.0);
  }
}

TEST(Hash, DependsOnContentAndParent) {
  const std::byte bytes[] = {std::byte{1}, std::byte{2}};
  const Hash128 root = hash_bytes(bytes);
  EXPECT_EQ(root, hash_bytes(bytes));
  EXPECT_NE(root, hash_bytes(std::span(bytes).first(1)));
  EXPECT_NE(root, hash_bytes(bytes, root));
}

TEST(MappedFile, MapsWhatIsThereAndSaysWhatIsNot) {
  char path[] = "/tmp/chasqui-mapped-XXXXXX";
  const int fd = ::mkstemp(path);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(::write(fd, "runner", 6), 6);
  ::close(fd);
  auto file = MappedFile::open(path);
  ASSERT_TRUE(file);
  EXPECT_EQ(std::memcmp(file->bytes().data(), "runner", 6), 0);
  MappedFile moved = std::move(*file);
  EXPECT_EQ(moved.bytes().size(), 6u);

  auto copy = MappedFile::open(path, FileAccess::kRead);
  ASSERT_TRUE(copy);
  ASSERT_EQ(::truncate(path, 0), 0);
  copy->release(0, copy->bytes().size());
  EXPECT_EQ(std::memcmp(copy->bytes().data(), "runner", 6), 0);
  std::remove(path);

  const auto missing = MappedFile::open("/nonexistent/model.gguf");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_NE(missing.error().message.find("/nonexistent/model.gguf"), std::string::npos);
  EXPECT_EQ(MappedFile::open("/tmp").error().code, ErrorCode::kIo);
}

}  // namespace
}  // namespace chasqui
