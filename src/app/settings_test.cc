#include "app/settings.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <set>

namespace chasqui::app {
namespace {

using Variables = std::map<std::string, std::string>;

Environment environment(Variables variables) {
  return [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    const auto it = variables.find(name);
    if (it == variables.end()) return std::nullopt;
    return it->second;
  };
}

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
  char path[] = "/tmp/chasqui-settings-XXXXXX";
  ASSERT_GE(::mkstemp(path), 0);
  std::ofstream(path) << R"({"n_ctx": 100, "n_batch": 100, "port": 100, "n_queue": 100})";
  const Variables variables = {
      {"CONFIG_FILE", path}, {"N_CTX", "200"},   {"CHASQUI_N_CTX", "300"}, {"N_BATCH", "200"},
      {"n_batch", "150"},    {"n_queue", "150"}, {"CHASQUI_PORT", "300"},  {"VERBOSE", "Yes"}};
  const auto settings = resolve_settings({{"port", "400"}}, environment(variables));
  std::remove(path);
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->port, 400);
  EXPECT_EQ(settings->n_ctx, 300);
  EXPECT_EQ(settings->n_batch, 200);
  EXPECT_EQ(settings->n_queue, 150);
  EXPECT_EQ(settings->n_parallel, 64);
  EXPECT_TRUE(settings->verbose);
}

TEST(Settings, ErrorsNameSettingValueAndRange) {
  const auto high = resolve_settings({{"port", "65536"}}, environment({}));
  ASSERT_FALSE(high);
  EXPECT_EQ(high.error().message, "port is \"65536\"; allowed is an integer from 0 to 65535");
  EXPECT_EQ(high.error().param, "port");
  const auto word = resolve_settings({}, environment({{"N_CTX", "many"}}));
  ASSERT_FALSE(word);
  EXPECT_NE(word.error().message.find("N_CTX in the environment"), std::string::npos);
  for (const char* bad : {"", "1.5", "1e3", " 1", "0x10", "99999999999999999999"}) {
    EXPECT_FALSE(resolve_settings({{"n_batch", bad}}, environment({}))) << bad;
  }
  EXPECT_FALSE(resolve_settings({{"rope_freq_base", "nan"}}, environment({})));
  EXPECT_FALSE(resolve_settings({{"type_k", "q7"}}, environment({})));
  EXPECT_FALSE(resolve_settings({{"verbose", "maybe"}}, environment({})));
}

TEST(Settings, ConfigFilesAreChecked) {
  const auto missing = resolve_settings({{"config_file", "/nonexistent.json"}}, environment({}));
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("/nonexistent.json"), std::string::npos);
  char path[] = "/tmp/chasqui-settings-XXXXXX";
  ASSERT_GE(::mkstemp(path), 0);
  for (const char* text : {"", "[]", "{\"nctx\": 1}", "{\"n_ctx\": [1]}", "{\"n_ctx\": -1}"}) {
    std::ofstream(path) << text;
    EXPECT_FALSE(resolve_settings({{"config_file", path}}, environment({}))) << text;
  }
  std::remove(path);
}

}  // namespace
}  // namespace chasqui::app
