// Against the reference's results for real vocabularies and for the small models' files.
#include "support/golden.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <openssl/sha.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "text/detokenizer.h"
#include "text/tokenizer.h"

namespace chasqui::text {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

// The text of a JSON string, or the bytes of {"hex": ...}.
std::string bytes_of(const json::value& value) {
  if (value.is_string()) return std::string(value.as_string());
  return testing::decode_hex(std::string_view(value.at("hex").as_string()));
}

void gunzip(const fs::path& from, const fs::path& to) {
  gzFile in = gzopen(from.c_str(), "rb");
  ASSERT_NE(in, nullptr) << from;
  std::ofstream out(to, std::ios::binary);
  std::vector<char> buffer(1 << 20);
  for (int read; (read = gzread(in, buffer.data(), static_cast<unsigned>(buffer.size()))) > 0;) {
    out.write(buffer.data(), read);
  }
  gzclose(in);
}

std::shared_ptr<const Tokenizer> load(const fs::path& path) {
  auto file = gguf::File::open(path.string());
  EXPECT_TRUE(file.has_value()) << (file ? "" : file.error().message);
  if (!file) return nullptr;
  auto tokenizer = Tokenizer::load(*file);
  EXPECT_TRUE(tokenizer.has_value()) << (tokenizer ? "" : tokenizer.error().message);
  return tokenizer ? *tokenizer : nullptr;
}

void expect_info(const Vocab& vocab, const json::object& info) {
  const SpecialTokens& special = vocab.special();
  EXPECT_EQ(vocab.size(), info.at("n_tokens").as_int64());
  const std::pair<const char*, TokenId> ids[] = {{"bos", special.bos},
                                                 {"eos", special.eos},
                                                 {"sep", special.sep},
                                                 {"nl", special.newline},
                                                 {"pad", special.pad},
                                                 {"mask", special.mask},
                                                 {"fim_pre", special.fim_prefix},
                                                 {"fim_suf", special.fim_suffix},
                                                 {"fim_mid", special.fim_middle}};
  for (const auto& [key, id] : ids) EXPECT_EQ(id, info.at(key).as_int64()) << key;
  EXPECT_EQ(special.add_bos, info.at("add_bos").as_bool());
  EXPECT_EQ(special.add_eos, info.at("add_eos").as_bool());
  EXPECT_EQ(special.add_sep, info.at("add_sep").as_bool());
  std::vector<TokenId> ends;
  for (TokenId id = 0; id < vocab.size(); ++id) {
    if (vocab.is_end_of_generation(id)) ends.push_back(id);
  }
  EXPECT_EQ(ends, testing::numbers<TokenId>(info.at("eog")));
}

class RealVocabulary : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const auto root = testing::golden_dir();
    if (!root) GTEST_SKIP() << testing::no_golden_data();
    const fs::path folder = *root / "tokenizers";
    const std::string name = GetParam();
    const fs::path unpacked =
        fs::temp_directory_path() / fmt::format("chasqui-{}-{}.gguf", name, ::getpid());
    gunzip(folder / (name + ".gguf.gz"), unpacked);
    tokenizer_ = load(unpacked);
    fs::remove(unpacked);
    golden_ = testing::read_json(folder / (name + ".json"));
    ASSERT_NE(tokenizer_, nullptr);
  }

  std::string input(const json::object& test_case) const {
    if (const auto* text = test_case.if_contains("text")) return std::string(text->as_string());
    return testing::decode_hex(std::string_view(test_case.at("bytes_hex").as_string()));
  }

  std::shared_ptr<const Tokenizer> tokenizer_;
  json::value golden_;
};

TEST_P(RealVocabulary, ResolvesSpecialTokens) {
  expect_info(tokenizer_->vocab(), golden_.at("info").as_object());
  EXPECT_EQ(tokenizer_->vocab().special().eot, golden_.at("info").at("eot").as_int64());
}

TEST_P(RealVocabulary, Encodes) {
  for (const json::value& each : golden_.at("cases").as_array()) {
    const std::string text = input(each.as_object());
    for (const auto& [key, ids] : each.at("ids").as_object()) {
      const EncodeOptions options{.add_special = key[0] == '1', .parse_special = key[1] == '1'};
      EXPECT_EQ(tokenizer_->encode(text, options), testing::numbers<TokenId>(ids))
          << "text '" << text << "', options " << key;
    }
  }
}

TEST_P(RealVocabulary, Decodes) {
  for (const json::value& each : golden_.at("cases").as_array()) {
    for (const auto& [ids_key, texts] : each.at("detok").as_object()) {
      const auto ids = testing::numbers<TokenId>(each.at("ids").at(ids_key));
      for (const auto& [key, text] : texts.as_object()) {
        const DecodeOptions options{.remove_special = key[0] == '1',
                                    .unparse_special = key[1] == '1'};
        EXPECT_EQ(tokenizer_->decode(ids, options), bytes_of(text))
            << "text '" << input(each.as_object()) << "', ids " << ids_key << ", options " << key;
      }
    }
  }
}

TEST_P(RealVocabulary, HasTheSamePieces) {
  for (const auto& [key, texts] : golden_.at("pieces_sample").as_object()) {
    const auto id = static_cast<TokenId>(std::stol(std::string(key)));
    EXPECT_EQ(tokenizer_->piece(id, false), bytes_of(texts.at(0))) << id;
    EXPECT_EQ(tokenizer_->piece(id, true), bytes_of(texts.at(1))) << id;
  }
  std::string all;
  for (TokenId id = 0; id < tokenizer_->vocab().size(); ++id) {
    const std::string_view piece = tokenizer_->piece(id, true);
    const auto size = static_cast<uint32_t>(piece.size());
    for (int shift = 0; shift < 32; shift += 8) all.push_back(static_cast<char>(size >> shift));
    all += piece;
  }
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(all.data()), all.size(), digest);
  EXPECT_EQ(testing::encode_hex({reinterpret_cast<const char*>(digest), sizeof digest}),
            golden_.at("pieces_sha256").as_string());
}

TEST_P(RealVocabulary, StreamsWhatItDecodes) {
  for (const json::value& each : golden_.at("cases").as_array()) {
    const auto ids = testing::numbers<TokenId>(each.at("ids").at("11"));
    Detokenizer stream(*tokenizer_, true, true);
    std::string text;
    for (const TokenId id : ids) text += stream.push(id);
    text += stream.finish();
    const DecodeOptions options{.unparse_special = true, .clean_spaces = false};
    EXPECT_EQ(text, to_valid_utf8(tokenizer_->decode(ids, options)));
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, RealVocabulary,
                         ::testing::Values("llama-spm", "phi-3", "gpt-2", "llama-bpe", "qwen2",
                                           "deepseek-coder", "starcoder", "gpt-neox", "falcon",
                                           "bert-bge"),
                         [](const auto& parameter) {
                           std::string name = parameter.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(SmallModels, EncodePromptsAsTheReferenceDoes) {
  const auto root = testing::golden_dir();
  if (!root) GTEST_SKIP() << testing::no_golden_data();
  int checked = 0;
  for (const auto& entry : fs::directory_iterator(*root / "archs")) {
    SCOPED_TRACE(entry.path().filename().string());
    const json::value expected = testing::read_json(entry.path() / "expected.json");
    const json::object& info = expected.at("vocab").as_object();
    const auto tokenizer = load(entry.path() / "model.gguf");
    ASSERT_NE(tokenizer, nullptr);
    expect_info(tokenizer->vocab(), info);
    // Most of these vocabularies have two spellings of an end of turn, of which the reference
    // takes the one that its hash table happens to yield first; ours is a fixed order.
    const TokenId eot = tokenizer->vocab().special().eot;
    EXPECT_EQ(eot == kNoToken, info.at("eot").as_int64() == kNoToken);
    EXPECT_TRUE(eot == kNoToken || tokenizer->vocab().is_end_of_generation(eot));
    EXPECT_EQ(tokenizer->encode(std::string(expected.at("prompt").as_string()), {}),
              testing::numbers<TokenId>(expected.at("prompt_tokens_add_special")));
    ++checked;
  }
  EXPECT_GT(checked, 0);
}

}  // namespace
}  // namespace chasqui::text
