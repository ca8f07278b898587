// What the reader refuses, and how it says so: one row for every way in which a file can lie.
#include <gmock/gmock.h>

#include <functional>
#include <limits>

#include "base/rng.h"
#include "gguf/file.h"
#include "gguf/internal/image_for_test.h"

namespace chasqui::gguf {
namespace {

using ::testing::HasSubstr;
using testing::Image;

constexpr uint64_t kHuge = std::numeric_limits<uint64_t>::max();
constexpr uint32_t kF32 = 0;
constexpr uint32_t kQ4_0 = 2;

struct Case {
  const char* what;
  std::function<void(Image&)> build;
  ErrorCode code;
  const char* message;
};

void header_cases(std::vector<Case>& cases) {
  cases.push_back({"empty", [](Image&) {}, ErrorCode::kCorrupt, "ends inside the header"});
  cases.push_back({"other format", [](Image& i) { i.text("PK\3\4").zeros(20); },
                   ErrorCode::kCorrupt, "starts with 'PK\\x03\\x04' instead of 'GGUF'"});
  cases.push_back({"forerunner", [](Image& i) { i.num(0x67676a74u).zeros(20); },
                   ErrorCode::kUnsupported, "this is a GGJT file"});
  cases.push_back({"version 1", [](Image& i) { i.header(0, 0, 1); }, ErrorCode::kUnsupported,
                   "GGUF version 1"});
  cases.push_back({"version 4", [](Image& i) { i.header(0, 0, 4); }, ErrorCode::kUnsupported,
                   "GGUF version 4"});
  cases.push_back({"version 0", [](Image& i) { i.header(0, 0, 0); }, ErrorCode::kUnsupported,
                   "GGUF version 0"});
  cases.push_back({"big-endian", [](Image& i) { i.header(0, 0, 0x03000000); },
                   ErrorCode::kUnsupported, "big-endian"});
  cases.push_back({"too many keys", [](Image& i) { i.header(0, 2).u32("a", 1); },
                   ErrorCode::kCorrupt, "claims 2 metadata keys"});
  cases.push_back({"keys beyond the cap", [](Image& i) { i.header(0, 70000).zeros(70000 * 14); },
                   ErrorCode::kCorrupt, "at most 65536"});
  cases.push_back({"keys overflow", [](Image& i) { i.header(0, kHuge).zeros(64); },
                   ErrorCode::kCorrupt, "claims 18446744073709551615 metadata keys"});
  cases.push_back({"tensors overflow", [](Image& i) { i.header(kHuge, 0).zeros(64); },
                   ErrorCode::kCorrupt, "claims 18446744073709551615 tensors"});
}

void metadata_cases(std::vector<Case>& cases) {
  cases.push_back({"empty key", [](Image& i) { i.header(0, 1).u32("", 1).zeros(8); },
                   ErrorCode::kCorrupt, "has a name of 0 bytes"});
  cases.push_back({"long key", [](Image& i) { i.header(0, 1).u32(std::string(65536, 'k'), 1); },
                   ErrorCode::kCorrupt, "has a name of 65536 bytes"});
  cases.push_back({"key length overflow", [](Image& i) { i.header(0, 1).num(kHuge).zeros(32); },
                   ErrorCode::kCorrupt, "allowed are 1 to 65535"});
  cases.push_back({"duplicate key", [](Image& i) { i.header(0, 2).u32("a", 1).u32("a", 2); },
                   ErrorCode::kCorrupt, "key 'a' appears twice"});
  cases.push_back({"unknown type",
                   [](Image& i) { i.header(0, 1).key("a", static_cast<ValueType>(13)).zeros(8); },
                   ErrorCode::kCorrupt, "key 'a' has value type 13"});
  cases.push_back({"bool of 2",
                   [](Image& i) { i.header(0, 1).key("a", ValueType::kBool).num<uint8_t>(2); },
                   ErrorCode::kCorrupt, "bool with the value 2"});
  cases.push_back(
      {"bools of 2",
       [](Image& i) { i.header(0, 1).array("a", ValueType::kBool, 2).num<uint16_t>(0x0200); },
       ErrorCode::kCorrupt, "neither 0 nor 1"});
  cases.push_back(
      {"string overflow",
       [](Image& i) { i.header(0, 1).key("a", ValueType::kString).num(kHuge).zeros(9); },
       ErrorCode::kCorrupt, "claims 18446744073709551615 bytes, but only 9"});
}

void array_cases(std::vector<Case>& cases) {
  cases.push_back(
      {"nested array",
       [](Image& i) { i.header(0, 1).array("a", ValueType::kArray, 1).num(4).num<uint64_t>(0); },
       ErrorCode::kUnsupported, "key 'a' is an array of arrays"});
  cases.push_back({"unknown element",
                   [](Image& i) { i.header(0, 1).array("a", static_cast<ValueType>(99), 0); },
                   ErrorCode::kCorrupt, "array of value type 99"});
  cases.push_back({"array too long",
                   [](Image& i) { i.header(0, 1).array("a", ValueType::kInt32, 3).zeros(11); },
                   ErrorCode::kCorrupt, "an array of 3 i32 values, but only 11 bytes"});
  cases.push_back(
      {"array size overflow",
       [](Image& i) { i.header(0, 1).array("a", ValueType::kFloat64, (1ull << 61) + 1).zeros(64); },
       ErrorCode::kCorrupt, "2305843009213693953 f64 values"});
  cases.push_back(
      {"strings too many",
       [](Image& i) { i.header(0, 1).array("a", ValueType::kString, 2).str("1234567"); },
       ErrorCode::kCorrupt, "an array of 2 str values"});
  cases.push_back(
      {"string in array too long",
       [](Image& i) { i.header(0, 1).array("a", ValueType::kString, 2).str("1234567").num(kHuge); },
       ErrorCode::kCorrupt, "string 1 of metadata key 'a'"});
}

void alignment_cases(std::vector<Case>& cases) {
  for (const uint32_t bad : {0u, 4u, 48u, 1u << 31}) {
    cases.push_back({"alignment", [bad](Image& i) { i.header(0, 1).u32("general.alignment", bad); },
                     ErrorCode::kCorrupt, "expected a power of two from 8 to 1048576"});
  }
  cases.push_back(
      {"alignment of another type",
       [](Image& i) { i.header(0, 1).key("general.alignment", ValueType::kFloat32).num(32.0f); },
       ErrorCode::kCorrupt, "'general.alignment' is of type f32"});
}

Case tensor_case(const char* what, std::initializer_list<uint64_t> dims, uint32_t type,
                 uint64_t offset, const char* message) {
  const std::vector<uint64_t> copy = dims;
  const auto build = [=](Image& i) {
    i.header(1, 0).str("t").num(static_cast<uint32_t>(copy.size()));
    for (const uint64_t dim : copy) i.num(dim);
    i.num(type).num(offset).pad().zeros(64);
  };
  const bool unknown_type = type > 100;
  return {what, build, unknown_type ? ErrorCode::kUnsupported : ErrorCode::kCorrupt, message};
}

void tensor_cases(std::vector<Case>& cases) {
  cases.push_back(tensor_case("five dimensions", {1, 1, 1, 1, 1}, kF32, 0, "has 5 dimensions"));
  cases.push_back(tensor_case("zero", {4, 0}, kF32, 0, "dimension 1 of tensor 't' is 0"));
  cases.push_back(tensor_case("negative", {kHuge}, kF32, 0, "their product below 2^63"));
  cases.push_back(tensor_case("product is 2^64", {1ull << 32, 1ull << 32}, kF32, 0,
                              "dimension 1 of tensor 't' is 4294967296"));
  cases.push_back(tensor_case("bytes overflow", {1ull << 62}, kF32, 0, "does not fit"));
  cases.push_back(tensor_case("unknown type", {4}, 1000, 0, "type code 1000"));
  cases.push_back(tensor_case("half a block", {48}, kQ4_0, 0, "not a multiple of the Q4_0 block"));
  cases.push_back(tensor_case("unaligned", {4}, kF32, 16, "multiple of the alignment 32"));
  cases.push_back(tensor_case("one value too many", {17}, kF32, 0, "does not fit in the 64 bytes"));
  cases.push_back(tensor_case("offset past the end", {4}, kF32, 96, "at offset 96 does not fit"));
  cases.push_back(tensor_case("offset overflow", {4}, kF32, kHuge - 31, "does not fit"));
  cases.push_back({"duplicate tensor",
                   [](Image& i) {
                     i.header(2, 0).tensor("t", {4}, 0, 0).tensor("t", {4}, 0, 32).pad().zeros(64);
                   },
                   ErrorCode::kCorrupt, "tensor 't' appears twice"});
  cases.push_back({"overlap",
                   [](Image& i) {
                     i.header(2, 0).tensor("b", {4}, 0, 32).tensor("a", {9}, 0, 0).pad().zeros(64);
                   },
                   ErrorCode::kCorrupt, "tensors 'a' and 'b' lie over each other"});
  cases.push_back({"empty tensor name",
                   [](Image& i) { i.header(1, 0).tensor("", {4}, 0, 0).pad().zeros(64); },
                   ErrorCode::kCorrupt, "tensor number 0 has a name of 0 bytes"});
  cases.push_back(
      {"long tensor name",
       [](Image& i) { i.header(1, 0).tensor(std::string(257, 't'), {4}, 0, 0).pad().zeros(64); },
       ErrorCode::kCorrupt, "a name of 257 bytes; allowed are 1 to 256"});
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  header_cases(cases);
  metadata_cases(cases);
  array_cases(cases);
  alignment_cases(cases);
  tensor_cases(cases);
  return cases;
}

TEST(Damage, EveryLieIsNamed) {
  for (const Case& c : all_cases()) {
    SCOPED_TRACE(c.what);
    Image image;
    c.build(image);
    const auto file = File::parse(image.span(), "bad.gguf");
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().code, c.code) << file.error().message;
    EXPECT_THAT(file.error().message, HasSubstr(c.message));
    EXPECT_THAT(file.error().message, HasSubstr("bad.gguf"));
  }
}

// One of everything; ends with the last byte of the last tensor.
Image whole_image() {
  Image image;
  image.header(2, 6)
      .key("s", ValueType::kString)
      .str("text")
      .u32("general.alignment", 32)
      .key("b", ValueType::kBool)
      .num<uint8_t>(1)
      .array("ints", ValueType::kInt64, 2)
      .num<int64_t>(1)
      .num<int64_t>(2)
      .array("strings", ValueType::kString, 2)
      .str("a")
      .str("bc")
      .array("none", ValueType::kFloat32, 0)
      .tensor("t", {4, 2}, 0, 0)
      .tensor("u", {32}, 8, 32)
      .pad()
      .zeros(32 + 34);
  return image;
}

// Copies each prefix into a buffer of its own, so that a sanitizer sees any byte read past it.
TEST(Damage, TruncationAnywhereIsAnError) {
  const Image image = whole_image();
  ASSERT_TRUE(File::parse(image.span(), "whole"));
  for (size_t size = 0; size < image.span().size(); ++size) {
    const std::vector<std::byte> prefix(image.span().begin(), image.span().begin() + size);
    const auto file = File::parse(prefix, "cut");
    ASSERT_FALSE(file) << size;
    EXPECT_EQ(file.error().code, ErrorCode::kCorrupt) << size << ": " << file.error().message;
  }
}

// Reads every byte that a File gives out.
uint64_t touch(const File& file) {
  uint64_t sum = 0;
  for (const auto& [key, value] : file.metadata()) {
    for (size_t i = 0; i < value.array_size(); ++i) {
      sum += value.int_at(i).value_or(0) + value.string_at(i).value_or("").size();
    }
    for (const char c : value.as_string().value_or("")) sum += c;
    sum += value.as_double().value_or(0) > 0;
  }
  for (const Tensor& tensor : file.tensors()) {
    for (const std::byte b : tensor.view.bytes) sum += static_cast<uint64_t>(b);
  }
  return sum;
}

// Any byte may be anything: an error or a File that can be read, never a crash.
TEST(Damage, AnyByteMayChange) {
  const Image image = whole_image();
  Rng rng(1);
  int opened = 0;
  for (size_t at = 0; at < image.span().size(); ++at) {
    for (int round = 0; round < 8; ++round) {
      std::vector<std::byte> damaged(image.span().begin(), image.span().end());
      damaged[at] = static_cast<std::byte>(rng.below(256));
      const auto file = File::parse(damaged, "damaged");
      if (!file) continue;
      touch(*file);
      ++opened;
    }
  }
  EXPECT_GT(opened, 0) << "changes in the data section do no harm";
}

}  // namespace
}  // namespace chasqui::gguf
