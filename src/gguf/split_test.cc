// Split models: found through any part, refused when the parts do not belong together.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>

#include "gguf/file.h"
#include "gguf/internal/image_for_test.h"
#include "gguf/internal/temp_dir_for_test.h"
#include "gguf/split_name.h"

namespace chasqui::gguf {
namespace {

using ::testing::HasSubstr;
using testing::Image;
using testing::TempDir;

// What a part says of itself; the tests lie in one field each.
struct PartFields {
  uint16_t no = 0;
  uint16_t count = 3;
  int32_t total = 3;
  std::string tensor = "t0";
  uint32_t version = 3;
};

void write_part(const std::string& path, const PartFields& fields) {
  Image image;
  image.header(1, 4, fields.version)
      .key("part", ValueType::kUint16)
      .num(fields.no)
      .key("split.no", ValueType::kUint16)
      .num(fields.no)
      .key("split.count", ValueType::kUint16)
      .num(fields.count)
      .key("split.tensors.count", ValueType::kInt32)
      .num(fields.total)
      .tensor(fields.tensor, {1}, 0, 0)
      .pad()
      .num(static_cast<float>(fields.no));
  std::ofstream(path, std::ios::binary) << image.bytes();
}

std::string part_file(const TempDir& dir, int part, int count = 3) {
  return dir.file(fmt::format("m-{:05}-of-{:05}.gguf", part + 1, count));
}

void write_model(const TempDir& dir) {
  for (uint16_t part = 0; part < 3; ++part) {
    write_part(part_file(dir, part), {.no = part, .tensor = fmt::format("t{}", part)});
  }
}

std::string error_of(const std::string& path) {
  const auto file = File::open(path);
  return file ? "opened" : file.error().message;
}

TEST(Split, OpensThroughAnyPart) {
  const TempDir dir;
  write_model(dir);
  for (int through = 0; through < 3; ++through) {
    const auto file = File::open(part_file(dir, through));
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(file->path(), part_file(dir, through));
    EXPECT_EQ(file->parts().size(), 3u);
    EXPECT_EQ(file->find("part")->as_int(), 0) << "metadata is the first part's";
    ASSERT_EQ(file->tensors().size(), 3u);
    for (int i = 0; i < 3; ++i) {
      const Tensor* tensor = file->find_tensor(fmt::format("t{}", i));
      ASSERT_NE(tensor, nullptr);
      EXPECT_EQ(tensor->part, i);
      float value = -1;
      std::memcpy(&value, tensor->view.bytes.data(), sizeof value);
      EXPECT_EQ(value, static_cast<float>(i));
      EXPECT_EQ(tensor->view.bytes.data(), file->parts()[i].bytes().data() + tensor->offset);
    }
  }
}

TEST(Split, NamesTheMissingPart) {
  const TempDir dir;
  write_model(dir);
  std::filesystem::remove(part_file(dir, 1));
  const auto file = File::open(part_file(dir, 2));
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(file.error().message, HasSubstr("m-00002-of-00003.gguf"));
  EXPECT_THAT(file.error().message, HasSubstr("split into 3 files"));
}

TEST(Split, RefusesPartsThatDisagree) {
  struct Case {
    const char* what;
    PartFields second;
    const char* message;
  };
  const Case cases[] = {
      {"number", {.no = 2, .tensor = "t1"}, "'split.no' is 2; expected 1"},
      {"count", {.no = 1, .count = 4, .tensor = "t1"}, "'split.count' says 4 parts"},
      {"tensor in two parts", {.no = 1, .tensor = "t0"}, "tensor 't0' appears twice"},
      {"version", {.no = 1, .tensor = "t1", .version = 2}, "has GGUF version 2"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    const TempDir dir;
    write_model(dir);
    write_part(part_file(dir, 1), c.second);
    EXPECT_THAT(error_of(part_file(dir, 0)), HasSubstr(c.message));
    EXPECT_THAT(error_of(part_file(dir, 0)), HasSubstr("m-00002-of-00003.gguf"));
  }
}

TEST(Split, ChecksTheTotalOfTensors) {
  const TempDir dir;
  write_model(dir);
  write_part(part_file(dir, 0), {.no = 0, .total = 4});
  EXPECT_THAT(error_of(part_file(dir, 0)), HasSubstr("'split.tensors.count' is 4"));
}

TEST(Split, RefusesAPartUnderAnotherName) {
  const TempDir dir;
  write_part(dir.file("renamed.gguf"), {.no = 0});
  EXPECT_THAT(error_of(dir.file("renamed.gguf")), HasSubstr("-00001-of-00003.gguf"));
}

TEST(Split, OneOfOneNeedsNoSplitKeys) {
  const TempDir dir;
  std::ofstream(part_file(dir, 0, 1), std::ios::binary) << Image().header(0, 0).bytes();
  EXPECT_EQ(error_of(part_file(dir, 0, 1)), "opened");
  std::ofstream(part_file(dir, 0, 2), std::ios::binary) << Image().header(0, 0).bytes();
  EXPECT_THAT(error_of(part_file(dir, 0, 2)), HasSubstr("'split.count' is missing"));
}

TEST(SplitName, IsParsedStrictly) {
  const auto name = parse_split_name("/a/b-00002-of-00010.gguf");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->prefix, "/a/b");
  EXPECT_EQ(name->part, 1);
  EXPECT_EQ(name->count, 10);
  EXPECT_EQ(split_path(*name, 9), "/a/b-00010-of-00010.gguf");
  for (const char* other :
       {"b.gguf", "b-00000-of-00002.gguf", "b-00003-of-00002.gguf", "b-0001-of-0002.gguf",
        "b-00001-of-00002.bin", "b-0000a-of-00002.gguf", "-of-00002.gguf", ""}) {
    EXPECT_FALSE(parse_split_name(other)) << other;
  }
}

}  // namespace
}  // namespace chasqui::gguf
