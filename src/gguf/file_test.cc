#include "gguf/file.h"

#include <gmock/gmock.h>

#include <array>
#include <fstream>
#include <limits>
#include <numeric>

#include "gguf/internal/cursor.h"
#include "gguf/internal/image_for_test.h"
#include "gguf/internal/temp_dir_for_test.h"
#include "gguf/writer.h"
#include "support/golden.h"

namespace chasqui::gguf {
namespace {

using ::testing::HasSubstr;
using testing::Image;

File parsed(const Image& image) {
  auto file = File::parse(image.span(), "test");
  if (!file) throw std::runtime_error(file.error().message);
  return std::move(*file);
}

TEST(File, ConvertsIntegersWhereTheValueAllows) {
  Image image;
  image.header(0, 5)
      .key("i8", ValueType::kInt8)
      .num<int8_t>(-1)
      .key("u64", ValueType::kUint64)
      .num(std::numeric_limits<uint64_t>::max())
      .key("f32", ValueType::kFloat32)
      .num(3.0f)
      .key("bool", ValueType::kBool)
      .num<uint8_t>(1)
      .array("u8s", ValueType::kUint8, 2)
      .num<uint8_t>(200)
      .num<uint8_t>(7);
  const File file = parsed(image);
  EXPECT_EQ(file.find("i8")->as_int(), -1);
  EXPECT_EQ(file.find("i8")->as_uint(), std::nullopt);
  EXPECT_EQ(file.find("i8")->as_double(), -1.0);
  EXPECT_EQ(file.find("i8")->as_bool(), std::nullopt);
  EXPECT_EQ(file.find("i8")->as_string(), std::nullopt);
  EXPECT_EQ(file.find("u64")->as_int(), std::nullopt);
  EXPECT_EQ(file.find("u64")->as_uint(), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(file.find("u64")->as_double(), 0x1.0p64);
  EXPECT_EQ(file.find("f32")->as_int(), std::nullopt);
  EXPECT_EQ(file.find("bool")->as_int(), std::nullopt);
  const Value& array = *file.find("u8s");
  EXPECT_EQ(array.as_int(), std::nullopt);
  EXPECT_EQ(array.int_at(0), 200);
  EXPECT_EQ(array.double_at(1), 7.0);
  EXPECT_EQ(array.int_at(2), std::nullopt);
  EXPECT_EQ(array.double_at(2), std::nullopt);
  EXPECT_EQ(array.bool_at(0), std::nullopt);
  EXPECT_EQ(array.string_at(0), std::nullopt);
  EXPECT_EQ(file.find("i8")->int_at(0), std::nullopt);
}

// Pages of files that this process has in memory (/proc/self/statm, third number).
int64_t resident_file_pages() {
  std::ifstream statm("/proc/self/statm");
  int64_t size = 0, resident = 0, shared = 0;
  statm >> size >> resident >> shared;
  return shared;
}

TEST(File, AReleasedTensorLeavesMemoryAndCanStillBeRead) {
  constexpr int64_t kValues = 4 << 20;
  const testing::TempDir dir;
  Writer writer;
  writer.declare_tensor("a", DType::kF32, std::array<int64_t, 1>{16});
  writer.declare_tensor("big", DType::kF32, std::array<int64_t, 1>{kValues});
  ASSERT_TRUE(writer.open(dir.file("m.gguf"), false));
  const std::vector<std::byte> bytes((16 + kValues) * sizeof(float), std::byte{1});
  ASSERT_TRUE(writer.append(bytes));
  ASSERT_TRUE(writer.finish());
  const auto file = File::open(dir.file("m.gguf"));
  ASSERT_TRUE(file) << file.error().message;
  const Tensor& big = *file->find_tensor("big");
  const auto sum = [&big] {
    return std::accumulate(big.view.bytes.begin(), big.view.bytes.end(), int64_t{0},
                           [](int64_t a, std::byte b) { return a + static_cast<int64_t>(b); });
  };
  const int64_t all = kValues * static_cast<int64_t>(sizeof(float));
  EXPECT_EQ(sum(), all);
  const int64_t before = resident_file_pages();
  file->release(big);
  EXPECT_LT(resident_file_pages(), before - all / 4096 / 2);
  EXPECT_EQ(sum(), all);
}

TEST(File, ADefaultValueIsAnEmptyArray) {
  const Value value;
  EXPECT_EQ(value.as_int(), std::nullopt);
  EXPECT_EQ(value.as_uint(), std::nullopt);
  EXPECT_EQ(value.as_double(), std::nullopt);
  EXPECT_EQ(value.as_bool(), std::nullopt);
  EXPECT_EQ(value.as_string(), std::nullopt);
  EXPECT_EQ(value.int_at(0), std::nullopt);
}

TEST(File, TypedLookUpsNameKeyFoundAndExpected) {
  Image image;
  image.header(0, 4)
      .u32("llama.block_count", 0)
      .key("name", ValueType::kString)
      .str("x")
      .key("scale", ValueType::kFloat32)
      .num(std::numeric_limits<float>::infinity())
      .array("list", ValueType::kInt32, 1)
      .num<int32_t>(1);
  const File file = parsed(image);
  EXPECT_EQ(*file.get_int("absent", 0, 1), std::nullopt);
  EXPECT_EQ(**file.get_int("llama.block_count", 0, 1), 0);

  const auto zero = file.get_int("llama.block_count", 1, 1000);
  ASSERT_FALSE(zero);
  EXPECT_EQ(zero.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(zero.error().message,
            "test: metadata key 'llama.block_count' is 0; expected an integer from 1 to 1000");
  EXPECT_THAT(file.get_int("name", 0, 1).error().message, HasSubstr("a value of type str"));
  EXPECT_THAT(file.get_double("scale").error().message, HasSubstr("a finite number"));
  EXPECT_THAT(file.get_bool("list").error().message, HasSubstr("an array of 1 i32"));
  EXPECT_THAT(file.get_string("list").error().message, HasSubstr("expected a string"));
  EXPECT_EQ(**file.get_string("name"), "x");
  EXPECT_EQ(*file.get_bool("absent"), std::nullopt);
}

TEST(File, ReadsVersion2AndScalarTensors) {
  Image image;
  image.header(2, 0, 2).tensor("scalar", {}, 0, 0).tensor("cube", {2, 3, 4}, 1, 32).pad();
  image.num(1.5f).pad().zeros(2 * 3 * 4 * 2);
  const File file = parsed(image);
  EXPECT_EQ(file.version(), 2u);
  EXPECT_EQ(file.tensors()[0].n_dims, 1);
  EXPECT_EQ(file.tensors()[0].view.elements(), 1);
  EXPECT_EQ(file.tensors()[0].view.bytes.size(), 4u);
  EXPECT_EQ(file.tensors()[1].n_dims, 3);
  EXPECT_EQ(file.tensors()[1].view.bytes.size(), 48u);
  EXPECT_EQ(file.tensors()[1].view.bytes.data() + 48, image.span().data() + image.span().size());
}

TEST(File, SurvivesBeingMoved) {
  Image image;
  image.header(0, 1).key("k", ValueType::kString).str("v");
  File first = parsed(image);
  const File second = std::move(first);
  EXPECT_EQ(second.find("k")->as_string(), "v");
}

TEST(File, QuotesNamesForMessages) {
  EXPECT_EQ(quote_name("plain"), "'plain'");
  EXPECT_EQ(quote_name("a\n\xff"), "'a\\x0a\\xff'");
  EXPECT_EQ(quote_name(std::string(100, 'x')), "'" + std::string(80, 'x') + "...'");
}

TEST(File, OpensRealModels) {
  const auto golden = chasqui::testing::golden_dir();
  if (!golden) GTEST_SKIP() << chasqui::testing::no_golden_data();
  int models = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(*golden)) {
    if (entry.path().extension() != ".gguf") continue;
    const auto file = File::open(entry.path().string());
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_TRUE(*file->get_string("general.architecture")) << entry.path();
    EXPECT_FALSE(file->tensors().empty()) << entry.path();
    EXPECT_EQ(file->parts().size(), 1u);
    ++models;
  }
  EXPECT_GT(models, 20);
}

}  // namespace
}  // namespace chasqui::gguf
