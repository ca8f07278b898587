#include "gguf/writer.h"

#include <gmock/gmock.h>

#include <array>
#include <fstream>
#include <numeric>

#include "gguf/file.h"
#include "gguf/internal/image_for_test.h"
#include "gguf/internal/temp_dir_for_test.h"
#include "support/golden.h"

namespace chasqui::gguf {
namespace {

using ::testing::HasSubstr;
using testing::Image;
using testing::TempDir;

std::vector<std::byte> counting_bytes(size_t size, uint8_t first) {
  std::vector<std::byte> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(first + i);
  return bytes;
}

void add_everything(Writer& writer) {
  writer.add_string("general.architecture", "llama");
  writer.add_uint32("u32", 4000000000u);
  writer.add_int32("i32", -7);
  writer.add_uint64("u64", 1ull << 63);
  writer.add_float32("f32", 0.1f);
  writer.add_bool("yes", true);
  writer.add_bool("no", false);
  writer.add_string("empty", "");
  writer.add_strings("words", std::array<std::string, 3>{"a", "", std::string("nul\0inside", 10)});
  writer.add_int32s("ints", std::array<int32_t, 3>{1, -2, 3});
  writer.add_float32s("floats", std::array<float, 2>{1.5f, -2.5f});
  writer.add_int32s("none", {});
}

void expect_everything(const File& file) {
  EXPECT_EQ(file.version(), 3u);
  ASSERT_EQ(file.metadata().size(), 12u);
  EXPECT_EQ(file.metadata()[0].first, "general.architecture");
  EXPECT_EQ(file.find("general.architecture")->as_string(), "llama");
  EXPECT_EQ(file.find("u32")->as_int(), 4000000000);
  EXPECT_EQ(file.find("i32")->as_int(), -7);
  EXPECT_EQ(file.find("u64")->as_uint(), 1ull << 63);
  EXPECT_EQ(file.find("f32")->as_double(), 0.1f);
  EXPECT_EQ(file.find("yes")->as_bool(), true);
  EXPECT_EQ(file.find("no")->as_bool(), false);
  EXPECT_EQ(file.find("empty")->as_string(), "");
  EXPECT_EQ(file.find("words")->array_size(), 3u);
  EXPECT_EQ(file.find("words")->string_at(2), std::string_view("nul\0inside", 10));
  EXPECT_EQ(file.find("ints")->int_at(1), -2);
  EXPECT_EQ(file.find("floats")->double_at(1), -2.5);
  EXPECT_EQ(file.find("none")->array_size(), 0u);
}

TEST(Writer, WhatIsWrittenIsReadBack) {
  const TempDir dir;
  const auto first = counting_bytes(2 * 18 * 3, 1);  // padded: not a multiple of 32
  const auto second = counting_bytes(5 * 4, 100);
  Writer writer;
  add_everything(writer);
  writer.declare_tensor("a.weight", DType::kQ4_0, std::array<int64_t, 2>{64, 3});
  writer.declare_tensor("b.bias", DType::kF32, std::array<int64_t, 1>{5});
  ASSERT_TRUE(writer.open(dir.file("m.gguf"), false));
  std::vector<std::byte> all = first;
  all.insert(all.end(), second.begin(), second.end());
  for (size_t at = 0; at < all.size(); at += 7) {  // pieces that end anywhere
    ASSERT_TRUE(writer.append(std::span(all).subspan(at, std::min<size_t>(7, all.size() - at))));
  }
  ASSERT_TRUE(writer.finish());
  EXPECT_EQ(dir.count(), 1);

  const auto file = File::open(dir.file("m.gguf"));
  ASSERT_TRUE(file) << file.error().message;
  expect_everything(*file);
  EXPECT_EQ(file->file_bytes(), std::filesystem::file_size(dir.file("m.gguf")));
  ASSERT_EQ(file->tensors().size(), 2u);
  const Tensor* a = file->find_tensor("a.weight");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->n_dims, 2);
  EXPECT_EQ(a->view.type, DType::kQ4_0);
  EXPECT_EQ(a->view.dims, (std::array<int64_t, 4>{64, 3, 1, 1}));
  EXPECT_EQ(a->offset % 32, 0u);
  EXPECT_TRUE(std::ranges::equal(a->view.bytes, first));
  const Tensor* b = file->find_tensor("b.bias");
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(b->n_dims, 1);
  EXPECT_EQ(b->offset % 32, 0u);
  EXPECT_TRUE(std::ranges::equal(b->view.bytes, second));
  EXPECT_EQ(file->find_tensor("c"), nullptr);
}

// Every value type of the format, scalar and array, copied from file to file.
TEST(Writer, CopiesValuesOfAnyTypeUnchanged) {
  Image image;
  image.header(0, 26);
  for (uint32_t code = 0; code <= 12; ++code) {
    const auto type = static_cast<ValueType>(code);
    const std::string name = value_type_name(type);
    const std::string one(value_type_bytes(type), '\1');
    if (type == ValueType::kString) {
      image.key(name, type).str("text").array(name + "s", type, 2).str("x").str("");
    } else if (type == ValueType::kArray) {
      image.array(name, ValueType::kInt8, 0).array(name + "s", ValueType::kFloat64, 1).num(0.5);
    } else {
      image.key(name, type).text(one).array(name + "s", type, 3).text(one + one + one);
    }
  }
  const auto source = File::parse(image.pad().span(), "source");
  ASSERT_TRUE(source) << source.error().message;

  const TempDir dir;
  Writer writer;
  for (const auto& [key, value] : source->metadata()) writer.add_value(key, value);
  ASSERT_TRUE(writer.open(dir.file("copy.gguf"), false));
  ASSERT_TRUE(writer.finish());
  EXPECT_EQ(chasqui::testing::read_file(dir.file("copy.gguf")), image.bytes());
}

TEST(Writer, HonoursAnotherAlignment) {
  const TempDir dir;
  Writer writer;
  writer.add_uint32("general.alignment", 128);
  writer.declare_tensor("a", DType::kF32, std::array<int64_t, 1>{1});
  writer.declare_tensor("b", DType::kF32, std::array<int64_t, 1>{1});
  ASSERT_TRUE(writer.open(dir.file("m.gguf"), false));
  ASSERT_TRUE(writer.append(counting_bytes(8, 1)));
  ASSERT_TRUE(writer.finish());
  const auto file = File::open(dir.file("m.gguf"));
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->find_tensor("b")->offset - file->find_tensor("a")->offset, 128u);
  EXPECT_EQ(file->find_tensor("b")->view.bytes[0], std::byte{5});
}

TEST(Writer, LeavesNothingBehindWhenNotFinished) {
  const TempDir dir;
  {
    Writer writer;
    writer.declare_tensor("a", DType::kF32, std::array<int64_t, 1>{2});
    ASSERT_TRUE(writer.open(dir.file("m.gguf"), false));
    ASSERT_TRUE(writer.append(counting_bytes(4, 1)));
    const Status early = writer.finish();
    ASSERT_FALSE(early);
    EXPECT_EQ(early.error().code, ErrorCode::kInternal);
    EXPECT_THAT(early.error().message, HasSubstr("only 0 of 1 tensors"));
    const Status late = writer.append(counting_bytes(5, 1));
    ASSERT_FALSE(late);
    EXPECT_THAT(late.error().message, HasSubstr("1 bytes more"));
  }
  EXPECT_EQ(dir.count(), 0);
}

TEST(Writer, OverwritesOnlyWhenTold) {
  const TempDir dir;
  std::ofstream(dir.file("m.gguf")) << "old";
  {
    Writer writer;
    const Status status = writer.open(dir.file("m.gguf"), false);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(chasqui::testing::read_file(dir.file("m.gguf")), "old");
  Writer writer;
  ASSERT_TRUE(writer.open(dir.file("m.gguf"), true));
  ASSERT_TRUE(writer.finish());
  EXPECT_TRUE(File::open(dir.file("m.gguf")));
}

TEST(Writer, ReplacesNothingButFiles) {
  const TempDir dir;  // stands for what is no file, as a device would
  Writer writer;
  const Status status = writer.open(dir.file("."), true);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("is not a regular file"));
}

TEST(Writer, ReportsAFolderThatIsNotThere) {
  const TempDir dir;
  Writer writer;
  const Status status = writer.open(dir.file("nowhere/m.gguf"), false);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kIo);
  EXPECT_THAT(status.error().message, HasSubstr("nowhere/m.gguf"));
}

TEST(WriterDeathTest, RefusesOurOwnMistakes) {
  Writer writer;
  writer.add_bool("twice", true);
  EXPECT_DEATH(writer.add_bool("twice", true), "twice");
  EXPECT_DEATH(writer.declare_tensor("t", DType::kQ4_0, std::array<int64_t, 1>{33}), "33");
  EXPECT_DEATH(writer.declare_tensor("t", DType::kF32, std::array<int64_t, 1>{0}), "dimension 0");
}

}  // namespace
}  // namespace chasqui::gguf
