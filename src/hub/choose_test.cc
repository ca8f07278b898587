// Which files are the model that was asked for.
#include "hub/choose.h"

#include <fmt/format.h>
#include <fnmatch.h>
#include <gmock/gmock.h>

#include "base/rng.h"

namespace chasqui::hub {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Names = std::vector<std::string>;

const Names kUsual = {".gitattributes",
                      "README.md",
                      "config.json",
                      "imatrix.gguf",
                      "mmproj-model-f16.gguf",
                      "model-Q2_K.gguf",
                      "model-Q4_K_M.gguf",
                      "model-Q4_K_S.gguf",
                      "model-Q8_0-00001-of-00002.gguf",
                      "model-Q8_0-00002-of-00002.gguf"};

Names chosen(const Names& names, std::string_view wanted) {
  const auto files = choose_files(names, wanted, "org/m");
  EXPECT_TRUE(files) << files.error().message;
  return files.value_or(Names{});
}

std::string error_of(const Names& names, std::string_view wanted) {
  const auto files = choose_files(names, wanted, "org/m");
  return files ? "chose " + files->front() : files.error().message;
}

TEST(Choose, TakesTheDefaultWhereNothingIsSaid) {
  EXPECT_THAT(chosen(kUsual, ""), ElementsAre("model-Q4_K_M.gguf"));
}

TEST(Choose, FollowsTheOrderWhereTheFirstIsNotThere) {
  // Every pair: the earlier one is taken.
  const auto order = default_order();
  for (size_t i = 0; i < order.size(); ++i) {
    for (size_t j = i + 1; j < order.size(); ++j) {
      const Names names = {fmt::format("m.{}.gguf", order[j]), fmt::format("m.{}.gguf", order[i])};
      EXPECT_THAT(chosen(names, ""), ElementsAre(names[1])) << order[i] << " and " << order[j];
    }
  }
}

TEST(Choose, TakesAQuantisationInAnyCase) {
  EXPECT_THAT(chosen(kUsual, "q4_k_s"), ElementsAre("model-Q4_K_S.gguf"));
  EXPECT_THAT(chosen({"a.q5_0.gguf", "a.q4_0.gguf"}, "Q5_0"), ElementsAre("a.q5_0.gguf"));
}

TEST(Choose, BringsAllPartsOfASplitModel) {
  const Names parts = {"model-Q8_0-00001-of-00002.gguf", "model-Q8_0-00002-of-00002.gguf"};
  EXPECT_EQ(chosen(kUsual, "Q8_0"), parts);
  EXPECT_EQ(chosen(kUsual, "*Q8_0-00002*"), parts) << "one part brings the others";
  EXPECT_EQ(chosen(kUsual, "model-Q8_0-00001-of-00002.gguf"), parts);
}

TEST(Choose, FindsAQuantisationThatIsAFolder) {
  const Names names = {"BF16/m-00001-of-00002.gguf", "BF16/m-00002-of-00002.gguf",
                       "Q4_K_M/m-00001-of-00001.gguf"};
  EXPECT_EQ(chosen(names, "bf16").size(), 2u);
  EXPECT_THAT(chosen(names, ""), ElementsAre("Q4_K_M/m-00001-of-00001.gguf"));
}

TEST(Choose, NamesThePartThatIsMissing) {
  const Names names = {"m-Q8_0-00001-of-00003.gguf", "m-Q8_0-00003-of-00003.gguf"};
  EXPECT_THAT(error_of(names, ""), HasSubstr("m-Q8_0-00002-of-00003.gguf is not there"));
}

TEST(Choose, DoesNotTakeOneNameForAnother) {
  EXPECT_THAT(error_of({"m-Q4_K_M.gguf", "n-Q8_0.gguf"}, "Q4_K"),
              HasSubstr("has no Q4_K; it has Q4_K_M, Q8_0"));
  EXPECT_THAT(error_of({"m-IQ4_XS.gguf", "n-Q8_0.gguf"}, "Q4_X"), HasSubstr("has no"));
  EXPECT_THAT(chosen({"m-UD-Q4_K_XL.gguf", "m-Q4_K_XL.gguf"}, "Q4_K_XL"),
              ElementsAre("m-Q4_K_XL.gguf"));
  EXPECT_THAT(chosen({"m-UD-Q4_K_XL.gguf", "m-Q4_K_XL.gguf"}, "UD-Q4_K_XL"),
              ElementsAre("m-UD-Q4_K_XL.gguf"));
}

TEST(Choose, TakesHelpersOnlyByName) {
  EXPECT_THAT(chosen({"mmproj-F16.gguf", "m-F16.gguf"}, "F16"), ElementsAre("m-F16.gguf"));
  EXPECT_THAT(chosen({"mmproj-F16.gguf", "m-F16.gguf"}, "mmproj-F16.gguf"),
              ElementsAre("mmproj-F16.gguf"));
  EXPECT_THAT(chosen({"mmproj-F16.gguf", "m-F16.gguf"}, "*F16*"), ElementsAre("m-F16.gguf"));
  EXPECT_THAT(error_of({"mmproj-F16.gguf"}, ""), HasSubstr("has no GGUF model"));
}

TEST(Choose, TakesTheOnlyModelWhateverItIsCalled) {
  EXPECT_THAT(chosen({"README.md", "strange.gguf"}, ""), ElementsAre("strange.gguf"));
}

TEST(Choose, SaysWhatThereIs) {
  EXPECT_THAT(error_of({"model.safetensors", "README.md"}, ""),
              HasSubstr("has no GGUF model; it has README.md, model.safetensors"));
  EXPECT_THAT(error_of({}, ""), HasSubstr("it has nothing"));
  EXPECT_THAT(error_of(kUsual, "Q3_K_M"), HasSubstr("it has Q2_K, Q4_K_M, Q4_K_S, Q8_0"));
  EXPECT_THAT(error_of(kUsual, "other.gguf"), HasSubstr("has no file other.gguf; it has "));
  EXPECT_THAT(error_of({"a-Q4_0.gguf", "b-Q4_0.gguf"}, ""),
              HasSubstr("several models for Q4_0; name the file: a-Q4_0.gguf, b-Q4_0.gguf"));
  EXPECT_THAT(error_of({"a.gguf", "b.gguf"}, ""), HasSubstr("name the file: a.gguf, b.gguf"));
}

TEST(Choose, ListsNoMoreThanOneCanRead) {
  Names names;
  for (int i = 0; i < 1000; ++i) names.push_back(fmt::format("file-{:04}.txt", i));
  const std::string error = error_of(names, "");
  EXPECT_THAT(error, HasSubstr(" and 960 more"));
  EXPECT_LT(error.size(), 2000u);
}

TEST(Quantisation, IsReadFromNames) {
  const std::pair<const char*, const char*> cases[] = {
      {"Llama-3.2-1B-Instruct-Q4_K_M.gguf", "Q4_K_M"},
      {"tinyllama-1.1b-chat-v1.0.Q5_K_S.gguf", "Q5_K_S"},
      {"model-UD-Q4_K_XL.gguf", "Q4_K_XL"},
      {"model.i1-IQ2_XXS.gguf", "IQ2_XXS"},
      {"gemma_q4_0.gguf", "Q4_0"},
      {"BF16/model-BF16-00001-of-00002.gguf", "BF16"},
      {"gpt-oss-20b-mxfp4.gguf", "MXFP4"},
      {"plain.gguf", ""},
      {"Q4_K_Mixed.gguf", ""},
  };
  for (const auto& [path, expected] : cases) EXPECT_EQ(quantisation_of(path), expected) << path;
}

// Against the C library's fnmatch(), which means the same by these patterns.
TEST(Pattern, AgreesWithTheLibrary) {
  Rng rng(7);
  constexpr std::string_view kText = "ab-/";
  const std::vector<std::string> pieces = {"a", "b", "-", "/", "*", "?", "[ab]", "[!a]", "[a-b]"};
  int fitting = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    std::string pattern;
    for (uint64_t n = rng.below(8); n > 0; --n) text += kText[rng.below(kText.size())];
    for (uint64_t n = rng.below(6); n > 0; --n) pattern += pieces[rng.below(pieces.size())];
    const bool expected = ::fnmatch(pattern.c_str(), text.c_str(), FNM_NOESCAPE) == 0;
    EXPECT_EQ(fits_pattern(text, pattern), expected) << text << " and " << pattern;
    fitting += expected ? 1 : 0;
  }
  EXPECT_GT(fitting, 1000);
}

TEST(Pattern, IsQuickWhereItCannotFit) {
  const std::string text(20000, 'a');
  std::string pattern;
  for (int i = 0; i < 50; ++i) pattern += "*a";
  EXPECT_FALSE(fits_pattern(text, pattern + "b"));
  EXPECT_TRUE(fits_pattern(text, pattern));
}

TEST(Pattern, TakesBrokenSetsAsText) {
  EXPECT_TRUE(fits_pattern("a[b", "a[b"));
  EXPECT_TRUE(fits_pattern("]", "[]]"));
  EXPECT_FALSE(fits_pattern("a", "[!"));
  EXPECT_TRUE(fits_pattern("[!", "[!"));
}

}  // namespace
}  // namespace chasqui::hub
