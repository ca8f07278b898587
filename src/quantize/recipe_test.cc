// Which type which tensor gets: a table of single cases, whole files of the reference, and what a
// user may say against it.
#include "quantize/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "quant/quant_type.h"
#include "quantize/internal/model_for_test.h"
#include "quantize/internal/type_rules.h"
#include "support/golden.h"

namespace chasqui::quantize {
namespace {

using ::testing::HasSubstr;
using testing::ModelFile;
using testing::Shape;

std::map<std::string, std::string> types_of(const gguf::File& file, std::string_view file_type,
                                            const TypeChoices& choices = {},
                                            bool importance = false) {
  const auto plan = plan_types(file, *find_file_type(file_type), choices, importance);
  if (!plan) throw std::runtime_error(plan.error().message);
  std::map<std::string, std::string> out;
  for (const TensorPlan& tensor : *plan) {
    out[tensor.tensor->name] = dtype_info(tensor.type).name;
  }
  return out;
}

struct Case {
  const char* model;  // of kModels
  const char* file_type;
  const char* tensor;
  const char* type;
};

// 32 layers, so that eighths and sixteenths are whole.
const std::map<std::string, Shape> kModels = {
    {"plain", {.layers = 32}},
    {"shared keys", {.layers = 32, .heads = 8, .kv_heads = 2}},
    {"tied", {.layers = 32, .tied = true}},
    {"eight experts", {.layers = 32, .experts = 8}},
    {"sixty experts", {.layers = 32, .experts = 60}},
    {"falcon", {.arch = "falcon", .layers = 32}},
    {"70B", {.layers = 80, .heads = 64, .kv_heads = 8}},
    {"odd rows", {.layers = 32, .cols = 96}},
};

constexpr Case kCases[] = {
    {"plain", "F16", "token_embd.weight", "F16"},
    {"plain", "F16", "blk.0.attn_norm.weight", "F32"},
    {"plain", "Q8_0", "output.weight", "Q8_0"},
    {"plain", "Q4_0", "output.weight", "Q6_K"},
    {"plain", "Q4_0", "token_embd.weight", "Q4_0"},
    {"plain", "Q4_0", "blk.0.ffn_down.weight", "Q4_0"},
    {"tied", "Q4_0", "token_embd.weight", "Q6_K"},
    // "Spread": layers 0 to 3 and 28 to 31, and every third between from 6 on.
    {"plain", "Q4_K_M", "blk.3.attn_v.weight", "Q6_K"},
    {"plain", "Q4_K_M", "blk.4.attn_v.weight", "Q4_K"},
    {"plain", "Q4_K_M", "blk.6.attn_v.weight", "Q6_K"},
    {"plain", "Q4_K_M", "blk.6.ffn_down.weight", "Q6_K"},
    {"plain", "Q4_K_M", "blk.7.ffn_down.weight", "Q4_K"},
    {"plain", "Q4_K_M", "blk.28.ffn_down.weight", "Q6_K"},
    {"plain", "Q4_K_M", "blk.0.attn_q.weight", "Q4_K"},
    {"plain", "Q4_K_M", "output.weight", "Q6_K"},
    {"plain", "Q4_K_S", "blk.3.attn_v.weight", "Q5_K"},
    {"plain", "Q4_K_S", "blk.4.attn_v.weight", "Q4_K"},
    {"plain", "Q4_K_S", "blk.3.ffn_down.weight", "Q5_K"},
    {"plain", "Q4_K_S", "blk.31.ffn_down.weight", "Q4_K"},
    {"plain", "Q5_K_M", "blk.31.ffn_down.weight", "Q6_K"},
    {"plain", "Q5_K_S", "blk.31.ffn_down.weight", "Q5_K"},
    {"plain", "Q6_K", "token_embd.weight", "Q6_K"},
    {"plain", "Q2_K", "blk.9.attn_v.weight", "Q3_K"},
    {"shared keys", "Q2_K", "blk.9.attn_v.weight", "Q4_K"},
    {"plain", "Q2_K", "blk.9.attn_output.weight", "Q3_K"},
    {"plain", "Q2_K_S", "blk.3.ffn_down.weight", "Q4_K"},
    {"plain", "Q2_K_S", "blk.4.ffn_down.weight", "Q2_K"},
    {"plain", "Q3_K_S", "blk.0.attn_v.weight", "Q3_K"},
    {"plain", "Q3_K_M", "blk.1.attn_v.weight", "Q5_K"},
    {"plain", "Q3_K_M", "blk.2.attn_v.weight", "Q4_K"},
    {"plain", "Q3_K_M", "blk.1.ffn_down.weight", "Q5_K"},
    {"plain", "Q3_K_M", "blk.2.ffn_down.weight", "Q4_K"},
    {"plain", "Q3_K_L", "blk.9.attn_output.weight", "Q5_K"},
    {"plain", "IQ2_XXS", "output.weight", "Q5_K"},
    {"plain", "IQ2_XXS", "token_embd.weight", "Q2_K"},
    {"plain", "IQ2_XXS", "blk.9.attn_v.weight", "Q2_K"},
    {"shared keys", "IQ2_XXS", "blk.9.attn_v.weight", "Q4_K"},
    {"plain", "IQ1_S", "blk.9.attn_output.weight", "IQ2_XXS"},
    {"plain", "IQ2_S", "blk.9.attn_q.weight", "IQ2_XS"},
    {"plain", "IQ2_M", "blk.9.attn_q.weight", "IQ2_S"},
    {"plain", "IQ2_M", "blk.0.ffn_down.weight", "IQ3_S"},
    {"plain", "IQ3_XXS", "blk.9.attn_k.weight", "IQ2_S"},
    {"plain", "IQ3_XXS", "blk.9.ffn_down.weight", "Q3_K"},
    {"plain", "IQ3_XS", "blk.9.ffn_up.weight", "IQ3_XXS"},
    {"plain", "IQ3_XS", "blk.31.ffn_gate.weight", "IQ3_S"},
    {"plain", "IQ3_M", "blk.9.attn_v.weight", "Q4_K"},
    {"plain", "IQ4_XS", "blk.3.ffn_down.weight", "Q5_K"},
    {"shared keys", "IQ4_NL", "blk.9.attn_v.weight", "Q5_K"},
    {"plain", "TQ1_0", "token_embd.weight", "Q4_K"},
    {"plain", "NVFP4", "blk.0.attn_q.weight", "NVFP4"},
    {"plain", "MXFP4_MOE", "blk.0.attn_q.weight", "Q8_0"},
    {"plain", "MXFP4", "blk.0.attn_q.weight", "MXFP4"},
    {"eight experts", "MXFP4_MOE", "blk.0.ffn_up_exps.weight", "MXFP4"},
    {"eight experts", "Q4_K_M", "blk.9.attn_v.weight", "Q8_0"},
    {"eight experts", "Q4_K_M", "blk.9.attn_k.weight", "Q8_0"},
    {"eight experts", "Q4_K_M", "blk.9.attn_output.weight", "Q5_K"},
    {"eight experts", "Q3_K_L", "blk.9.attn_output.weight", "Q3_K"},
    {"eight experts", "Q4_K_M", "blk.6.ffn_down_exps.weight", "Q6_K"},
    {"eight experts", "Q4_K_M", "blk.6.ffn_gate_inp.weight", "F32"},
    {"eight experts", "IQ2_XS", "blk.9.attn_k.weight", "Q4_K"},
    {"sixty experts", "IQ2_XS", "blk.9.attn_v.weight", "Q4_K"},
    {"sixty experts", "Q4_K_M", "blk.9.attn_k.weight", "Q4_K"},
    {"falcon", "Q4_K_M", "output.weight", "Q8_0"},
    {"falcon", "Q4_K_M", "blk.1.ffn_down.weight", "Q6_K"},
    {"falcon", "Q4_K_M", "blk.3.ffn_down.weight", "Q5_K"},
    {"falcon", "Q3_K_M", "blk.4.ffn_down.weight", "Q3_K"},
    {"falcon", "Q3_K_M", "blk.4.attn_output.weight", "Q3_K"},
    {"70B", "Q4_K_M", "blk.10.attn_v.weight", "Q5_K"},
    {"70B", "Q4_K_M", "blk.0.attn_v.weight", "Q6_K"},
    {"70B", "Q3_K_S", "blk.10.attn_v.weight", "Q5_K"},
    // 96 values are three blocks of 32, and none of 256.
    {"odd rows", "Q4_K_M", "blk.4.attn_q.weight", "Q5_0"},
    {"odd rows", "Q4_K_M", "output.weight", "Q8_0"},
    {"odd rows", "Q6_K", "blk.4.attn_q.weight", "Q8_0"},
    {"odd rows", "IQ3_S", "blk.4.attn_q.weight", "IQ4_NL"},
    {"odd rows", "NVFP4", "blk.4.attn_q.weight", "Q4_0"},
    {"odd rows", "Q4_0", "blk.4.attn_q.weight", "Q4_0"},
};

TEST(Recipe, GivesTheKnownTypes) {
  std::map<std::string, std::unique_ptr<ModelFile>> files;
  for (const auto& [name, shape] : kModels) files[name] = std::make_unique<ModelFile>(shape);
  for (const Case& c : kCases) {
    EXPECT_EQ(types_of(**files[c.model], c.file_type).at(c.tensor), c.type)
        << c.model << ", " << c.file_type << ", " << c.tensor;
  }
}

TEST(Recipe, ImportanceChangesSomeMixes) {
  const ModelFile file({.layers = 32});
  const std::string down = "blk.0.ffn_down.weight";
  EXPECT_EQ(types_of(*file, "Q4_0", {}, true).at(down), "Q4_1");
  EXPECT_EQ(types_of(*file, "Q5_0", {}, true).at(down), "Q5_1");
  EXPECT_EQ(types_of(*file, "IQ4_XS", {}, true).at(down), "IQ4_XS");
  EXPECT_EQ(types_of(*file, "IQ3_XXS", {}, true).at(down), "IQ3_XXS");
}

TEST(Recipe, RowsOfNoKnownBlockBecomeHalves) {
  const ModelFile file({.cols = 40});
  EXPECT_EQ(types_of(*file, "Q4_K_M").at("blk.0.attn_q.weight"), "F16");
  EXPECT_EQ(types_of(*file, "Q8_0").at("blk.0.attn_q.weight"), "F16");
}

TEST(Recipe, ChoicesGoBeforeTheMix) {
  const ModelFile file({.layers = 32});
  TypeChoices choices;
  choices.output = DType::kQ8_0;
  choices.token_embedding = DType::kQ5_K;
  choices.patterns = {{"blk\\.(0|1)\\.attn", DType::kQ6_K}, {"attn_v", DType::kQ8_0}};
  const auto types = types_of(*file, "Q4_K_M", choices);
  EXPECT_EQ(types.at("output.weight"), "Q8_0");
  EXPECT_EQ(types.at("token_embd.weight"), "Q5_K");
  EXPECT_EQ(types.at("blk.1.attn_v.weight"), "Q6_K");
  EXPECT_EQ(types.at("blk.2.attn_v.weight"), "Q8_0");
  EXPECT_EQ(types.at("blk.0.attn_norm.weight"), "F32");
  EXPECT_EQ(types.at("blk.0.ffn_down.weight"), "Q6_K");
}

TEST(Recipe, TheTableOfATiedModelIsItsOutput) {
  const ModelFile file({.tied = true});
  TypeChoices choices;
  choices.output = DType::kQ8_0;
  EXPECT_EQ(types_of(*file, "Q4_0", choices).at("token_embd.weight"), "Q8_0");
}

TEST(Recipe, PureHasNoMix) {
  const ModelFile file({.layers = 32});
  TypeChoices choices;
  choices.pure = true;
  for (const auto& [name, type] : types_of(*file, "Q4_K_M", choices)) {
    EXPECT_EQ(type, name.find("norm") == std::string::npos ? "Q4_K" : "F32") << name;
  }
}

TEST(Recipe, RefusesWhatMakesNoSense) {
  const ModelFile file({});
  TypeChoices choices;
  choices.patterns = {{"attn(", DType::kQ8_0}};
  EXPECT_THAT(plan_types(*file, *find_file_type("Q4_0"), choices, false).error().message,
              HasSubstr("attn("));
  choices.patterns.clear();
  choices.output = DType::kQ8_K;
  EXPECT_THAT(plan_types(*file, *find_file_type("Q4_0"), choices, false).error().message,
              HasSubstr("Q8_K"));
}

TEST(Recipe, FileTypesAreConsistent) {
  EXPECT_EQ(find_file_type("q4_k_m"), find_file_type("Q4_K_M"));
  EXPECT_EQ(find_file_type("Q9"), nullptr);
  for (const FileType& type : file_types()) {
    const quant::QuantType* base = quant::find_quant_type(type.base);
    ASSERT_NE(base, nullptr) << type.name;
    EXPECT_NE(base->encode, nullptr) << type.name;
    EXPECT_THAT(file_type_names(), HasSubstr(type.name));
  }
}

// Every block type has a way out for rows that it does not fit.
TEST(Recipe, EveryTypeHasAFallback) {
  for (const quant::QuantType& type : quant::all_quant_types()) {
    const DType instead = internal::fitting_type(type.type, 32);
    EXPECT_EQ(32 % dtype_info(instead).block_values, 0);
    EXPECT_NE(instead, DType::kF16 == type.type ? DType::kF32 : DType::kF16)
        << dtype_info(type.type).name;
  }
}

// The files that the reference wrote have the types that we would give.
TEST(GoldenRecipe, AgreesWithTheReference) {
  const auto dir = chasqui::testing::golden_dir();
  if (!dir) GTEST_SKIP() << chasqui::testing::no_golden_data();
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(*dir / "quantized")) {
    if (entry.path().extension() != ".json") continue;
    const auto golden = chasqui::testing::read_json(entry.path()).as_object();
    const std::string file_type(golden.at("file_type").as_string());
    auto path = entry.path();
    const auto file = gguf::File::open(path.replace_extension(".gguf").string());
    ASSERT_TRUE(file) << file.error().message;
    const auto types = types_of(*file, file_type);
    for (const auto& [name, type] : golden.at("tensor_types").as_object()) {
      EXPECT_EQ(types.at(std::string(name)), std::string(type.as_string()))
          << file_type << ", " << std::string(name);
    }
    ++files;
  }
  EXPECT_GT(files, 0);
}

}  // namespace
}  // namespace chasqui::quantize
