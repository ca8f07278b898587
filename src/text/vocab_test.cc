#include "text/vocab.h"

#include <gmock/gmock.h>

#include "text/test_vocab.h"

namespace chasqui::text {
namespace {

using testing::byte_bpe_vocab;
using ::testing::HasSubstr;
using testing::sentence_piece_vocab;
using testing::TestVocab;

// The error that loading gives; its message must contain `part`.
ErrorCode error_of(const TestVocab& vocab, const char* part) {
  const auto loaded = Vocab::load(vocab.write());
  EXPECT_FALSE(loaded.has_value()) << part;
  if (loaded) return ErrorCode::kInternal;
  EXPECT_THAT(loaded.error().message, HasSubstr(part));
  return loaded.error().code;
}

TEST(Vocab, SentencePieceDefaults) {
  const auto vocab = Vocab::load(sentence_piece_vocab().write());
  ASSERT_TRUE(vocab.has_value());
  EXPECT_EQ(vocab->kind(), VocabKind::kSentencePiece);
  const SpecialTokens& special = vocab->special();
  EXPECT_EQ(special.bos, 1);
  EXPECT_EQ(special.eos, 2);
  EXPECT_EQ(special.unk, 0);
  EXPECT_EQ(special.eot, *vocab->find("<|im_end|>"));
  EXPECT_TRUE(special.add_bos);
  EXPECT_FALSE(special.add_eos);
  EXPECT_TRUE(special.add_space_prefix);
  EXPECT_TRUE(vocab->is_end_of_generation(2));
  EXPECT_TRUE(vocab->is_end_of_generation(special.eot));
  EXPECT_FALSE(vocab->is_end_of_generation(1));
}

TEST(Vocab, ByteBpeDefaults) {
  const auto vocab = Vocab::load(byte_bpe_vocab().write());
  ASSERT_TRUE(vocab.has_value());
  EXPECT_EQ(vocab->special().bos, 11);
  EXPECT_EQ(vocab->special().eos, 11);
  EXPECT_EQ(vocab->special().unk, kNoToken);
  EXPECT_FALSE(vocab->special().add_bos);
  EXPECT_FALSE(vocab->special().add_space_prefix);
  EXPECT_EQ(vocab->merges()[0].first, "a");
  EXPECT_EQ(vocab->merges()[0].second, "b");
  EXPECT_EQ(vocab->merges().size(), 16u);

  const auto llama3 = Vocab::load(byte_bpe_vocab("llama-bpe").write());
  ASSERT_TRUE(llama3.has_value());
  EXPECT_TRUE(llama3->special().add_bos);  // the pre-tokeniser's default
}

TEST(Vocab, DefaultsThatDoNotFitAreDropped) {
  TestVocab tiny;
  tiny.model = "gpt2";
  tiny.pre = "llama-bpe";  // would add BOS, which is id 11 by default
  tiny.add("a");
  tiny.add("b");
  tiny.add("ab");
  tiny.merges = {"a b"};
  const auto vocab = Vocab::load(tiny.write());
  ASSERT_TRUE(vocab.has_value()) << vocab.error().message;
  EXPECT_EQ(vocab->special().bos, kNoToken);
  EXPECT_FALSE(vocab->special().add_bos);
}

TEST(Vocab, FileWinsOverDefaults) {
  TestVocab file = sentence_piece_vocab();
  file.more = [](gguf::Writer& writer) {
    writer.add_uint32("tokenizer.ggml.bos_token_id", 5);
    writer.add_uint32("tokenizer.ggml.eos_token_id", 6);
    writer.add_int32("tokenizer.ggml.padding_token_id", -1);  // how some converters say "none"
    writer.add_uint32("tokenizer.ggml.unknown_token_id", 0xFFFFFFFFu);
    writer.add_uint32("tokenizer.ggml.fim_pre_token_id", 7);
    writer.add_bool("tokenizer.ggml.add_bos_token", false);
    writer.add_bool("tokenizer.ggml.add_eos_token", true);
    writer.add_bool("tokenizer.ggml.add_space_prefix", false);
  };
  const auto vocab = Vocab::load(file.write());
  ASSERT_TRUE(vocab.has_value());
  EXPECT_EQ(vocab->special().bos, 5);
  EXPECT_EQ(vocab->special().eos, 6);
  EXPECT_EQ(vocab->special().pad, kNoToken);
  EXPECT_EQ(vocab->special().unk, kNoToken);
  EXPECT_EQ(vocab->special().fim_prefix, 7);
  EXPECT_FALSE(vocab->special().add_bos);
  EXPECT_TRUE(vocab->special().add_eos);
  EXPECT_FALSE(vocab->special().add_space_prefix);
}

TEST(Vocab, ReadsRolesFromSpellings) {
  TestVocab file = byte_bpe_vocab();
  file.add("<|fim_prefix|>", TokenKind::kUserDefined);
  file.add("<|fim_pad|>");
  file.add("</s>");
  file.add("<|eom_id|>", TokenKind::kControl);
  const auto vocab = Vocab::load(file.write());
  ASSERT_TRUE(vocab.has_value());
  EXPECT_EQ(vocab->special().eot, *vocab->find("<|im_end|>"));
  EXPECT_EQ(vocab->special().eom, *vocab->find("<|eom_id|>"));
  EXPECT_EQ(vocab->special().fim_prefix, *vocab->find("<|fim_prefix|>"));
  // What looks like a control token is one, whatever its type says.
  for (const char* text : {"<|fim_prefix|>", "<|fim_pad|>", "</s>"}) {
    EXPECT_EQ(vocab->kind(*vocab->find(text)), TokenKind::kControl) << text;
  }
  for (const char* text : {"<|endoftext|>", "<|im_end|>", "<|fim_pad|>", "</s>", "<|eom_id|>"}) {
    EXPECT_TRUE(vocab->is_end_of_generation(*vocab->find(text))) << text;
  }
  EXPECT_FALSE(vocab->is_end_of_generation(*vocab->find("<|fim_prefix|>")));
  EXPECT_FALSE(vocab->is_end_of_generation(*vocab->find("<|im_start|>")));
}

TEST(Vocab, HarmonyEndsMessagesNotGenerations) {
  TestVocab file = byte_bpe_vocab();
  for (const char* text : {"<|start|>", "<|end|>", "<|message|>", "<|return|>", "<|call|>"}) {
    file.add(text, TokenKind::kControl);
  }
  const auto vocab = Vocab::load(file.write());
  ASSERT_TRUE(vocab.has_value());
  EXPECT_FALSE(vocab->is_end_of_generation(*vocab->find("<|end|>")));
  EXPECT_TRUE(vocab->is_end_of_generation(*vocab->find("<|return|>")));
  EXPECT_TRUE(vocab->is_end_of_generation(*vocab->find("<|call|>")));
  for (const char* text : {"<|start|>", "<|message|>", "<|end|>"}) {
    EXPECT_EQ(vocab->kind(*vocab->find(text)), TokenKind::kUserDefined) << text;
  }
}

TEST(Vocab, NamesWhatIsMissing) {
  TestVocab vocab = byte_bpe_vocab();
  vocab.model = "";
  EXPECT_EQ(error_of(vocab, "tokenizer.ggml.model"), ErrorCode::kNotFound);
  vocab.model = "martian";
  EXPECT_EQ(error_of(vocab, "'martian'"), ErrorCode::kUnsupported);
  EXPECT_EQ(error_of(vocab, "llama gpt2"), ErrorCode::kUnsupported);
  vocab.model = "gpt2";
  vocab.merges.clear();
  EXPECT_EQ(error_of(vocab, "tokenizer.ggml.merges"), ErrorCode::kNotFound);
  vocab.tokens.clear();
  EXPECT_EQ(error_of(vocab, "tokenizer.ggml.tokens"), ErrorCode::kNotFound);
}

TEST(Vocab, NamesWhatContradicts) {
  TestVocab vocab = sentence_piece_vocab();
  vocab.scores.pop_back();
  EXPECT_EQ(error_of(vocab, "tokenizer.ggml.scores"), ErrorCode::kCorrupt);
  vocab = sentence_piece_vocab();
  vocab.types.push_back(1);
  EXPECT_EQ(error_of(vocab, "tokenizer.ggml.token_type"), ErrorCode::kCorrupt);
  vocab = sentence_piece_vocab();
  vocab.types[4] = 7;
  EXPECT_EQ(error_of(vocab, "index 4"), ErrorCode::kCorrupt);
  vocab = sentence_piece_vocab();
  vocab.scores[5] = std::nanf("");
  EXPECT_EQ(error_of(vocab, "index 5"), ErrorCode::kCorrupt);
  for (const char* merge : {"ab", "", "a ", " b", " "}) {
    vocab = byte_bpe_vocab();
    vocab.merges[2] = merge;
    EXPECT_EQ(error_of(vocab, "index 2"), ErrorCode::kCorrupt) << merge;
  }
}

TEST(Vocab, IdsOutOfRangeLeaveTheDefaults) {
  TestVocab file = sentence_piece_vocab();
  const auto size = static_cast<uint32_t>(file.tokens.size());
  file.more = [=](gguf::Writer& w) {
    w.add_uint32("tokenizer.ggml.eos_token_id", size);
    w.add_uint32("tokenizer.ggml.padding_token_id", size);
    w.add_int32("tokenizer.ggml.mask_token_id", -2);
  };
  const auto vocab = Vocab::load(file.write());
  ASSERT_TRUE(vocab.has_value()) << vocab.error().message;
  EXPECT_EQ(vocab->special().eos, 2);
  EXPECT_EQ(vocab->special().pad, kNoToken);
  EXPECT_EQ(vocab->special().mask, kNoToken);
}

TEST(Vocab, NamesIdsThatAreNone) {
  TestVocab vocab = sentence_piece_vocab();
  vocab.more = [](gguf::Writer& w) { w.add_string("tokenizer.ggml.bos_token_id", "<s>"); };
  EXPECT_EQ(error_of(vocab, "tokenizer.ggml.bos_token_id"), ErrorCode::kCorrupt);
  vocab.more = [](gguf::Writer& w) {
    w.add_int32("tokenizer.ggml.bos_token_id", -1);
    w.add_bool("tokenizer.ggml.add_bos_token", true);
  };
  EXPECT_EQ(error_of(vocab, "tokenizer.ggml.add_bos_token"), ErrorCode::kCorrupt);
}

TEST(Vocab, TokensOfTheWrongTypeAreNamed) {
  TestVocab vocab;
  vocab.model = "llama";
  vocab.more = [](gguf::Writer& w) { w.add_uint32("tokenizer.ggml.tokens", 3); };
  EXPECT_EQ(error_of(vocab, "not an array"), ErrorCode::kCorrupt);
  vocab.more = [](gguf::Writer& w) {
    const int32_t numbers[] = {1, 2};
    w.add_int32s("tokenizer.ggml.tokens", numbers);
  };
  EXPECT_EQ(error_of(vocab, "strings"), ErrorCode::kCorrupt);
}

TEST(Vocab, ToleratesEmptyAndRepeatedTexts) {
  TestVocab file = sentence_piece_vocab();
  const TokenId empty = file.add("");
  const TokenId again = file.add("ab");
  const auto vocab = Vocab::load(file.write());
  ASSERT_TRUE(vocab.has_value());
  EXPECT_FALSE(vocab->text(empty).empty());
  EXPECT_FALSE(vocab->find("").has_value());
  EXPECT_LT(*vocab->find("ab"), again);
}

TEST(Vocab, UnknownPreTokeniserFallsBack) {
  EXPECT_TRUE(Vocab::load(byte_bpe_vocab("from-the-future").write()).has_value());
  EXPECT_TRUE(Vocab::load(byte_bpe_vocab("").write()).has_value());
}

}  // namespace
}  // namespace chasqui::text
