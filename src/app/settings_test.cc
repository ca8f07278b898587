#include "app/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "app/settings_docs.h"
#include "support/source_dir.h"

namespace chasqui::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A config file that goes with the test.
class ConfigFile {
 public:
  ConfigFile(const std::string& text, const std::string& ending = ".json")
      : path_(::testing::TempDir() + "chasqui-settings-" + std::to_string(::getpid()) + ending) {
    std::ofstream(path_) << text;
  }
  ~ConfigFile() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Result<Configuration> configure(const ConfigFile& file, GivenValues given = {});

TEST(Settings, EveryDefaultIsAllowedAndEveryNameIsUnique) {
  std::set<std::string_view> names;
  Settings settings;
  for (const Setting& row : settings_table()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    const auto set = set_from_text(row, row.default_text, settings);
    EXPECT_TRUE(set) << set.error().message;
    EXPECT_FALSE(row.help.empty());
  }
  EXPECT_EQ(default_settings().n_ctx, 2048);
  EXPECT_EQ(default_settings().host, "localhost");
}

TEST(Settings, PrecedenceIsCommandLinePrefixedPlainFileDefault) {
  const ConfigFile file(R"({"n_ctx": 100, "n_batch": 100, "port": 100, "n_queue": 100})");
  const Environment variables = {{"CONFIG_FILE", file.path()}, {"N_CTX", "200"},
                                 {"CHASQUI_N_CTX", "300"},     {"N_BATCH", "200"},
                                 {"n_batch", "150"},           {"n_queue", "150"},
                                 {"CHASQUI_PORT", "300"},      {"VERBOSE", "Yes"}};
  const auto settings = resolve_settings({{"port", "400"}}, variables);
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->port, 400);
  EXPECT_EQ(settings->n_ctx, 300);
  EXPECT_EQ(settings->n_batch, 200);
  EXPECT_EQ(settings->n_queue, 150);
  EXPECT_EQ(settings->n_parallel, 64);
  EXPECT_TRUE(settings->verbose);
}

TEST(Settings, VariablesMayBeInAnyCase) {
  const auto mixed = resolve_settings({}, {{"N_Ctx", "7"}, {"chasqui_Seed", "8"}});
  ASSERT_TRUE(mixed) << mixed.error().message;
  EXPECT_EQ(mixed->n_ctx, 7);
  EXPECT_EQ(mixed->seed, 8);
  EXPECT_EQ(resolve_settings({}, {{"n_ctx", "7"}, {"N_CTX", "9"}})->n_ctx, 9) << "capitals first";
}

TEST(Settings, TheProcessHasItsVariables) {
  ::setenv("Chasqui_Test_Variable", "a=b", 1);
  EXPECT_EQ(process_environment().at("Chasqui_Test_Variable"), "a=b");
  ::unsetenv("Chasqui_Test_Variable");
}

// Scripts pass on what they do not have; with the prefix it is meant.
TEST(Settings, EmptyPlainVariablesCountAsNotSet) {
  const auto settings =
      resolve_settings({{"port", "4"}}, {{"HOST", ""}, {"PORT", ""}, {"N_CTX", ""}});
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->host, default_settings().host);
  EXPECT_EQ(settings->port, 4);
  EXPECT_FALSE(resolve_settings({}, {{"CHASQUI_N_CTX", ""}}));
}

TEST(Settings, HostAndPortInTheEnvironmentGoBeforeTheCommandLine) {
  const auto plain =
      resolve_configuration({{"port", "1"}, {"n_ctx", "1"}}, {{"PORT", "2"}, {"N_CTX", "2"}});
  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_EQ(plain->settings.port, 2);
  EXPECT_EQ(plain->settings.n_ctx, 1);
  EXPECT_THAT(plain->notes, ElementsAre(HasSubstr("PORT in the environment")));
  const auto prefixed =
      resolve_configuration({{"port", "1"}}, {{"PORT", "2"}, {"CHASQUI_PORT", "3"}});
  EXPECT_EQ(prefixed->settings.port, 1) << "CHASQUI_PORT goes before PORT, --port before it";
  EXPECT_THAT(prefixed->notes, ElementsAre());
}

// The replaced server read those below its command line, and asked for the others by os.getenv().
TEST(Settings, HostAndPortInOtherLettersStayBehindTheCommandLine) {
  const auto given = resolve_configuration({{"port", "1"}}, {{"port", "2"}, {"Host", "h"}});
  ASSERT_TRUE(given) << given.error().message;
  EXPECT_EQ(given->settings.port, 1);
  EXPECT_EQ(given->settings.host, "h");
  EXPECT_THAT(given->notes, ElementsAre());
}

// Config files of the replaced server have it there.
TEST(Settings, VerboseOfAModelIsPassedOver) {
  const auto settings =
      configure(ConfigFile(R"({"verbose": true, "models": [{"model": "a", "verbose": false}]})"));
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_TRUE(settings->settings.verbose);
  EXPECT_TRUE(settings->models.at(0).verbose);
  EXPECT_THAT(settings->notes, ElementsAre(HasSubstr("verbose in an entry")));
}

TEST(Settings, WhatTheServerIsStandsBesideItsModels) {
  const auto bad = configure(ConfigFile(R"({"models": [{"model": "a", "port": 1}]})"));
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().param, "port");
  EXPECT_THAT(bad.error().message, HasSubstr("beside \"models\""));
  EXPECT_TRUE(configure(ConfigFile(R"({"port": 1, "models": [{"model": "a"}]})")));
  EXPECT_TRUE(configure(ConfigFile(R"({"port": 1, "model": "a"})")));
}

TEST(Settings, ErrorsNameSettingValueAndRange) {
  const auto high = resolve_settings({{"port", "65536"}}, {});
  ASSERT_FALSE(high);
  EXPECT_EQ(high.error().message, "port is \"65536\"; allowed is an integer from 0 to 65535");
  EXPECT_EQ(high.error().param, "port");
  const auto word = resolve_settings({}, {{"N_CTX", "many"}});
  ASSERT_FALSE(word);
  EXPECT_NE(word.error().message.find("N_CTX in the environment"), std::string::npos);
  for (const char* bad : {"", "1.5", "1e3", " 1", "0x10", "99999999999999999999"}) {
    EXPECT_FALSE(resolve_settings({{"n_batch", bad}}, {})) << bad;
  }
  EXPECT_FALSE(resolve_settings({{"rope_freq_base", "nan"}}, {}));
  EXPECT_FALSE(resolve_settings({}, {{"CHASQUI_HOST", ""}})) << "every address?";
  EXPECT_FALSE(resolve_settings({{"type_k", "q7"}}, {}));
  EXPECT_FALSE(resolve_settings({{"verbose", "maybe"}}, {}));
}

TEST(Settings, ConfigFilesAreChecked) {
  const auto missing = resolve_settings({{"config_file", "/nonexistent.json"}}, {});
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("/nonexistent.json"), std::string::npos);
  for (const char* text :
       {"", "[]", R"({"nctx": 1})", R"({"n_ctx": [1]})", R"({"n_ctx": -1})", R"({"models": []})",
        R"({"models": [1]})", R"({"models": [{"n_ctx": 5}]})", R"({"models": {"model": "a"}})",
        R"({"models": [{"model": "a"}, {"model": "a"}]})",
        R"({"models": [{"model": "a", "nctx": 5}]})"}) {
    const auto bad = configure(ConfigFile(text));
    ASSERT_FALSE(bad) << text;
    EXPECT_THAT(bad.error().message, HasSubstr("chasqui-settings-")) << text;
  }
}

Result<Configuration> configure(const ConfigFile& file, GivenValues given) {
  given.emplace_back("config_file", file.path());
  return resolve_configuration(given, {});
}

TEST(Settings, WholeNumbersOfAFileMayBeFloats) {
  const auto settings = configure(
      ConfigFile(R"({"n_ctx": 512.0, "n_batch": 2.56e2, "rope_freq_base": 1e4, "seed": -1.0})"));
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->settings.n_ctx, 512);
  EXPECT_EQ(settings->settings.n_batch, 256);
  EXPECT_EQ(settings->settings.rope_freq_base, 1e4);
  EXPECT_EQ(settings->settings.seed, -1);
  for (const char* text : {R"({"n_ctx": 512.5})", R"({"n_ctx": 1e300})", R"({"n_ctx": "512.0"})"}) {
    EXPECT_FALSE(configure(ConfigFile(text))) << text;
  }
}

TEST(Settings, JsonObjectsComeAsTextsOrAsTheyAre) {
  for (const char* text : {R"({"chat_template_kwargs": {"enable_thinking": false}})",
                           R"({"chat_template_kwargs": "{\"enable_thinking\":false}"})"}) {
    const auto settings = configure(ConfigFile(text));
    ASSERT_TRUE(settings) << settings.error().message;
    EXPECT_EQ(settings->settings.chat_template_kwargs, R"({"enable_thinking":false})");
  }
  const auto bad = configure(ConfigFile(R"({"chat_template_kwargs": "enable_thinking=false"})"));
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().message, HasSubstr("allowed is a JSON object"));
}

TEST(Settings, ListsComeAsCommasOrJson) {
  for (const char* text : {"0.5,2", "[0.5, 2]", R"(["0.5", "2"])"}) {
    const auto settings = resolve_settings({{"tensor_split", text}}, {});
    ASSERT_TRUE(settings) << settings.error().message;
    EXPECT_THAT(settings->tensor_split, ElementsAre(0.5, 2.0)) << text;
  }
  for (const char* text : {"a", "[[1]]", "[1", "-1", "1,,2"}) {
    EXPECT_FALSE(resolve_settings({{"tensor_split", text}}, {})) << text;
  }
}

TEST(Settings, TypesOfTheCacheMayBeGgmlsNumbers) {
  EXPECT_EQ(resolve_settings({{"type_k", "1"}}, {})->type_k, "f16");
  EXPECT_EQ(resolve_settings({{"type_v", "30"}}, {})->type_v, "bf16");
  EXPECT_EQ(resolve_settings({{"type_k", "8"}}, {})->type_k, "q8_0");
  EXPECT_EQ(resolve_settings({{"type_v", "2"}}, {})->type_v, "q4_0");
  EXPECT_EQ(resolve_settings({{"type_v", "q4_0"}}, {})->type_v, "q4_0");
  EXPECT_FALSE(resolve_settings({{"type_k", "3"}}, {}));
}

TEST(Settings, DraftsComeFromPromptLookupOrAFile) {
  const auto lookup = resolve_settings({{"draft_model", "prompt-lookup-decoding"}}, {});
  ASSERT_TRUE(lookup) << lookup.error().message;
  EXPECT_EQ(lookup->draft_model_num_pred_tokens, 10);
  const auto path = resolve_settings({{"draft_model", "small.gguf"}}, {});
  ASSERT_TRUE(path) << path.error().message;
  EXPECT_EQ(path->draft_model, "small.gguf");
}

TEST(Settings, ModelsOfAFileAddToWhatItSaysOfAll) {
  const ConfigFile file(R"({"n_ctx": 100, "n_batch": 64, "host": "h", "models": [
      {"model": "a.gguf", "model_alias": "a"}, {"model": "b.gguf", "n_ctx": 300}]})");
  const auto configuration = configure(file, {{"n_batch", "32"}});
  ASSERT_TRUE(configuration) << configuration.error().message;
  EXPECT_EQ(configuration->settings.host, "h");
  ASSERT_EQ(configuration->models.size(), 2u);
  EXPECT_EQ(configuration->models[0].model_alias, "a");
  EXPECT_EQ(configuration->models[0].n_ctx, 100);
  EXPECT_EQ(configuration->models[1].n_ctx, 300);
  EXPECT_EQ(configuration->models[1].n_batch, 32) << "the command line holds for all";
  EXPECT_FALSE(configure(file, {{"model", "c.gguf"}})) << "it would hold for both";
}

TEST(Settings, ModelsMayComeFromTheHub) {
  const auto configuration = configure(ConfigFile(R"({"models": [
      {"hf_model_repo_id": "o/a"}, {"hf_model_repo_id": "o/b", "model": "*q8_0*"},
      {"hf_model_repo_id": "o/c", "model_alias": "c"}]})"));
  ASSERT_TRUE(configuration) << configuration.error().message;
  ASSERT_EQ(configuration->models.size(), 3u);
  EXPECT_EQ(model_id(configuration->models[0]), "o/a");
  EXPECT_EQ(model_id(configuration->models[1]), "*q8_0*");
  EXPECT_EQ(model_id(configuration->models[2]), "c");
}

TEST(Settings, VocabularyAloneIsForAllModelsOrNone) {
  EXPECT_TRUE(configure(
      ConfigFile(R"({"vocab_only": true, "models": [{"model": "a.gguf"}, {"model": "b.gguf"}]})")));
  EXPECT_FALSE(configure(
      ConfigFile(R"({"models": [{"model": "a.gguf", "vocab_only": true}, {"model": "b.gguf"}]})")));
}

TEST(Settings, YamlSaysTheSame) {
  const auto configuration =
      configure(ConfigFile("# ours\n"
                           "port: 8123\n"
                           "embedding: no\n"
                           "cors_origins: ['http://a.b', 'http://c.d']\n"
                           "host_names:\n"
                           "tensor_split: [1, 0.5]\n"
                           "models:\n"
                           "  - model: a.gguf\n"
                           "    n_ctx: 4096\n",
                           ".yaml"));
  ASSERT_TRUE(configuration) << configuration.error().message;
  EXPECT_EQ(configuration->settings.port, 8123);
  EXPECT_FALSE(configuration->settings.embedding);
  EXPECT_THAT(configuration->settings.cors_origins, ElementsAre("http://a.b", "http://c.d"));
  EXPECT_THAT(configuration->settings.host_names, ElementsAre()) << "null leaves the default";
  EXPECT_THAT(configuration->settings.tensor_split, ElementsAre(1.0, 0.5));
  EXPECT_EQ(configuration->models.at(0).n_ctx, 4096);
  for (const char* text : {"a: [", "- 1", "just text", "n_ctx: {a: 1}", "x: [[[[[1]]]]]"}) {
    const auto bad = configure(ConfigFile(text, ".yml"));
    ASSERT_FALSE(bad) << text;
    EXPECT_THAT(bad.error().message, HasSubstr(".yml")) << text;
  }
}

TEST(Settings, WhatHasNoEffectIsSaid) {
  EXPECT_THAT(*check_effects(default_settings()), ElementsAre());
  Settings settings = default_settings();
  settings.n_gpu_layers = -1;
  settings.logits_all = false;
  const auto warnings = check_effects(settings);
  ASSERT_TRUE(warnings);
  EXPECT_THAT(*warnings, ElementsAre(HasSubstr("n_gpu_layers has no effect"),
                                     HasSubstr("logits_all has no effect")));
  settings.lora_path = "adapter.gguf";
  const auto refused = check_effects(settings);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().param, "lora_path");
  for (const Setting& row : settings_table()) {
    EXPECT_EQ(row.effect == Effect::kFull, row.reason.empty()) << row.name;
  }
}

// `chasqui settings > docs/configuration.md` after a change of the table.
TEST(Settings, TheDocumentsAreThoseOfTheTable) {
  const auto read = [](const char* name) {
    std::ifstream in(chasqui::testing::source_dir() / "docs" / name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  EXPECT_EQ(read("configuration.md"), settings_page());
  EXPECT_EQ(read("configuration.schema.json"), settings_schema());
}

}  // namespace
}  // namespace chasqui::app
