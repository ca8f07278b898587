// Importance matrices come back as they were written, in both forms; damage is refused.
#include "quantize/importance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>

#include "base/rng.h"
#include "gguf/file.h"
#include "gguf/writer.h"
#include "support/tiny_model.h"

namespace chasqui::quantize {
namespace {

using chasqui::testing::TemporaryFile;
using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::map<std::string, ImportanceSums> example() {
  return {{"blk.0.attn_q.weight", {{2, 4, 6, 8}, {2}}},
          {"blk.0.ffn_up_exps.weight", {{1, 3, 0, 0, 0, 0}, {1, 0, 5}}}};
}

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string error_of(const std::string& path) {
  const auto read = Importance::read(path);
  return read ? "read" : read.error().message;
}

TEST(Importance, ComesBackFromAFile) {
  const TemporaryFile file(".gguf");
  ASSERT_TRUE(write_importance(file.path(), true, {{"a.txt"}, 7, 512}, example()));
  const auto read = Importance::read(file.path());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_THAT(read->source().datasets, ElementsAre("a.txt"));
  EXPECT_EQ(read->source().chunks, 7u);
  EXPECT_EQ(read->source().chunk_tokens, 512u);
  EXPECT_EQ(read->size(), 2u);
  EXPECT_TRUE(read->has("blk.0.attn_q.weight"));
  // Mean squares 1, 2, 3, 4 with a mean of 2.5.
  EXPECT_THAT(*read->weights("blk.0.attn_q.weight", 4, 1, 0),
              ElementsAre(FloatEq(0.4f), FloatEq(0.8f), FloatEq(1.2f), FloatEq(1.6f)));
}

TEST(Importance, ExpertsHaveTheirOwn) {
  const TemporaryFile file(".gguf");
  ASSERT_TRUE(write_importance(file.path(), true, {}, example()));
  const auto read = Importance::read(file.path());
  ASSERT_TRUE(read) << read.error().message;
  const std::string name = "blk.0.ffn_up_exps.weight";
  EXPECT_THAT(*read->weights(name, 2, 3, 0), ElementsAre(FloatEq(0.5f), FloatEq(1.5f)));
  EXPECT_THAT(*read->weights(name, 2, 3, 1), IsEmpty()) << "never used";
  EXPECT_THAT(*read->weights(name, 2, 3, 2), IsEmpty()) << "only zeros";
}

TEST(Importance, NoColumnCountsForNothing) {
  const TemporaryFile file(".gguf");
  ASSERT_TRUE(write_importance(file.path(), true, {}, {{"a.weight", {{0, 8}, {1}}}}));
  const auto weights = Importance::read(file.path())->weights("a.weight", 2, 1, 0);
  ASSERT_TRUE(weights);
  EXPECT_GT((*weights)[0], 0);
  EXPECT_FLOAT_EQ((*weights)[1], 2);
}

TEST(Importance, OfAnotherModelIsRefused) {
  const TemporaryFile file(".gguf");
  ASSERT_TRUE(write_importance(file.path(), true, {}, example()));
  const auto read = Importance::read(file.path());
  EXPECT_THAT(*read->weights("blk.9.attn_q.weight", 4, 1, 0), IsEmpty());
  const auto wrong = read->weights("blk.0.attn_q.weight", 5, 1, 0);
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message, HasSubstr("blk.0.attn_q.weight"));
}

TEST(Importance, IsNotOverwritten) {
  const TemporaryFile file(".gguf");
  ASSERT_TRUE(write_importance(file.path(), true, {}, example()));
  const auto again = write_importance(file.path(), false, {}, example());
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message, HasSubstr("exists"));
}

// The older form, as its writer lays it out.
std::string legacy(const std::string& name, int32_t calls, const std::vector<float>& values) {
  std::string out;
  const auto number = [&](int32_t value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof(value));
  };
  const auto text = [&](const std::string& value) {
    number(static_cast<int32_t>(value.size()));
    out += value;
  };
  number(1);
  text(name);
  number(calls);
  number(static_cast<int32_t>(values.size()));
  out.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  number(12);
  text("wiki.txt");
  return out;
}

TEST(LegacyImportance, IsRead) {
  const TemporaryFile file(".dat");
  write_bytes(file.path(), legacy("blk.0.attn_q.weight", 10, {10, 30}));
  const auto read = Importance::read(file.path());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->source().chunks, 12u);
  EXPECT_THAT(read->source().datasets, ElementsAre("wiki.txt"));
  EXPECT_THAT(*read->weights("blk.0.attn_q.weight", 2, 1, 0),
              ElementsAre(FloatEq(0.5f), FloatEq(1.5f)));
}

TEST(LegacyImportance, CutAnywhereIsRefusedOrStillWhole) {
  const TemporaryFile file(".dat");
  const std::string whole = legacy("blk.0.attn_q.weight", 10, {10, 30});
  const size_t matrices = whole.size() - 4 - 4 - 8;  // the end may be absent
  for (size_t size = 0; size < whole.size(); ++size) {
    write_bytes(file.path(), whole.substr(0, size));
    EXPECT_EQ(error_of(file.path()) == "read", size == matrices || size == matrices + 4) << size;
  }
}

TEST(Importance, OtherFilesAreNone) {
  const TemporaryFile file(".gguf");
  gguf::Writer writer;
  writer.add_string("general.architecture", "llama");
  ASSERT_TRUE(writer.open(file.path(), true));
  ASSERT_TRUE(writer.finish());
  EXPECT_THAT(error_of(file.path()), HasSubstr("no importance matrix"));
  write_bytes(file.path(), "text, and quite a lot of it, but no numbers");
  EXPECT_THAT(error_of(file.path()), HasSubstr("no importance matrix"));
  EXPECT_THAT(error_of("/nonexistent/x.gguf"), HasSubstr("/nonexistent/x.gguf"));
}

TEST(Importance, SumsThatAreNoSumsAreRefused) {
  const TemporaryFile file(".gguf");
  for (const double odd : {-1.0, static_cast<double>(NAN), static_cast<double>(INFINITY)}) {
    ASSERT_TRUE(write_importance(file.path(), true, {}, {{"a.weight", {{1, odd}, {1}}}}));
    EXPECT_THAT(error_of(file.path()), HasSubstr("a.weight"));
  }
}

// Random damage: an error or a matrix of positive numbers, never anything else.
TEST(Importance, SurvivesDamage) {
  const TemporaryFile good(".gguf");
  const TemporaryFile bad(".gguf");
  ASSERT_TRUE(write_importance(good.path(), true, {{"a.txt"}, 7, 512}, example()));
  Rng rng(3);
  for (const std::string& whole :
       {bytes_of(good.path()), legacy("blk.0.attn_q.weight", 10, {10, 30})}) {
    for (int round = 0; round < 250; ++round) {
      std::string damaged = whole;
      for (uint64_t i = 0; i <= rng.below(4); ++i) {
        damaged[rng.below(damaged.size())] = static_cast<char>(rng.below(256));
      }
      if (rng.below(4) == 0) damaged.resize(rng.below(damaged.size()));
      write_bytes(bad.path(), damaged);
      const auto read = Importance::read(bad.path());
      if (!read) continue;
      const auto weights = read->weights("blk.0.attn_q.weight", 4, 1, 0);
      if (!weights) continue;
      for (const float weight : *weights) ASSERT_GT(weight, 0);
    }
  }
}

}  // namespace
}  // namespace chasqui::quantize
