#include "app/text_chunks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "support/tiny_model.h"
#include "support/tiny_tokenizer.h"

namespace chasqui::app {
namespace {

using chasqui::testing::TinyVocab;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Every byte of a text is a token.
Result<TextChunks> chunks_of(const std::string& text, const ChunkOptions& options,
                             bool add_bos = true) {
  const chasqui::testing::TemporaryFile file(".txt");
  std::ofstream(file.path(), std::ios::binary) << text;
  return TextChunks::read(file.path(), *chasqui::testing::tiny_tokenizer({.add_bos = add_bos}),
                          options);
}

TEST(TextChunks, EachBeginsWithBos) {
  const auto chunks = chunks_of("abcdefgh", {.tokens = 3});
  ASSERT_TRUE(chunks) << chunks.error().message;
  ASSERT_EQ(chunks->count(), 3);
  EXPECT_THAT(chunks->chunk(0), ElementsAre(TinyVocab::kBos, 'a', 'b'));
  EXPECT_THAT(chunks->chunk(1), ElementsAre(TinyVocab::kBos, 'd', 'e'));
  EXPECT_THAT(chunks->chunk(2), ElementsAre(TinyVocab::kBos, 'g', 'h'));
}

TEST(TextChunks, WithoutBosNothingIsReplacedAndTheRestGoes) {
  const auto chunks = chunks_of("abcdefgh", {.tokens = 3}, false);
  ASSERT_TRUE(chunks) << chunks.error().message;
  ASSERT_EQ(chunks->count(), 2);
  EXPECT_THAT(chunks->chunk(1), ElementsAre('d', 'e', 'f'));
}

TEST(TextChunks, AsManyAsAskedFor) {
  EXPECT_EQ(chunks_of("abcdefgh", {.tokens = 2, .most = 3})->count(), 3);
  EXPECT_EQ(chunks_of("abcdefgh", {.tokens = 2, .most = 9})->count(), 4);
}

TEST(TextChunks, ControlTokensOnlyWhenAsked) {
  EXPECT_EQ(chunks_of("<|im_start|>", {.tokens = 2}, false)->count(), 6);
  const auto parsed = chunks_of("<|im_start|>a", {.tokens = 2, .parse_special = true}, false);
  ASSERT_EQ(parsed->count(), 1);
  EXPECT_THAT(parsed->chunk(0), ElementsAre(TinyVocab::kImStart, 'a'));
}

TEST(TextChunks, TooShortATextSaysSo) {
  const auto chunks = chunks_of("abc", {.tokens = 512});
  ASSERT_FALSE(chunks);
  EXPECT_THAT(chunks.error().message, HasSubstr("4 tokens"));
}

}  // namespace
}  // namespace chasqui::app
