#include "app/chat_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "chat/message.h"
#include "gguf/writer.h"
#include "support/source_dir.h"
#include "text/tokenizer.h"

namespace chasqui::app {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// The prompt for the message "hi".
std::string rendered(const chat::ChatFormat& format) {
  const chat::Message message = {.role = chat::Role::kUser, .content = "hi"};
  chat::ChatInput input;
  input.messages = {&message, 1};
  return format.render(input)->text();
}

class ChatChoice : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_);
    const auto demo = gguf::File::open(
        (chasqui::testing::source_dir() / "models/demo/chasqui-demo.gguf").string());
    ASSERT_TRUE(demo) << demo.error().message;
    tokenizer_ = *text::Tokenizer::load(*demo);
    gguf::Writer writer;
    writer.add_string("general.architecture", "llama");
    writer.add_string("tokenizer.chat_template", "own {{ messages[0].content }}");
    writer.add_string("tokenizer.chat_template.tool_use", "tools {{ messages[0].content }}");
    ASSERT_TRUE(writer.open((folder_ / "model.gguf").string(), false));
    ASSERT_TRUE(writer.finish());
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) const {
    const std::string path = (folder_ / name).string();
    std::ofstream(path) << text;
    return path;
  }

  Result<chat::ChatFormatPtr> choose(const Settings& settings) const {
    const auto file = gguf::File::open((folder_ / "model.gguf").string());
    return choose_chat_format(*file, tokenizer_->vocab(), settings);
  }

  const fs::path folder_ =
      fs::path(::testing::TempDir()) / ("chasqui-choice-" + std::to_string(::getpid()));
  std::shared_ptr<const text::Tokenizer> tokenizer_;
  Settings settings_ = default_settings();
};

TEST_F(ChatChoice, TheFilesTemplatesGoByTheirNames) {
  EXPECT_EQ(rendered(**choose(settings_)), "own hi");
  settings_.chat_format = "chat_template.default";
  EXPECT_EQ(rendered(**choose(settings_)), "own hi");
  settings_.chat_format = "chat_template.tool_use";
  EXPECT_EQ(rendered(**choose(settings_)), "tools hi");
  settings_.chat_format = "chat_template.rag";
  const auto missing = choose(settings_);
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("tokenizer.chat_template.rag"));
}

TEST_F(ChatChoice, ATokenizerConfigReplacesTheTemplate) {
  settings_.hf_tokenizer_config_path =
      write("tokenizer_config.json", R"({"bos_token": {"content": "<b>"}, "eos_token": "</e>",
        "chat_template": "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}"})");
  for (const char* format : {"", "hf-tokenizer-config", "chat_template.default"}) {
    settings_.chat_format = format;
    EXPECT_EQ(rendered(**choose(settings_)), "<b>hi</e>") << format;
  }
  settings_.chat_format = "chatml";
  EXPECT_THAT(rendered(**choose(settings_)), HasSubstr("<|im_start|>user")) << "named, so taken";
}

TEST_F(ChatChoice, AFolderMayHaveTheTemplateBesideTheConfig) {
  write("tokenizer_config.json", R"({"bos_token": null})");
  settings_.hf_pretrained_model_name_or_path = folder_.string();
  const auto without = choose(settings_);
  ASSERT_FALSE(without);
  EXPECT_THAT(without.error().message, HasSubstr("chat_template.jinja"));
  write("chat_template.jinja", "beside {{ messages[0].content }}");
  EXPECT_EQ(rendered(**choose(settings_)), "beside hi");
  write("tokenizer_config.json", R"({"chat_template": [{"name": "rag", "template": "r"},
                                     {"name": "default", "template": "listed"}]})");
  EXPECT_EQ(rendered(**choose(settings_)), "listed");
}

TEST_F(ChatChoice, WhatCannotBeReadIsNamed) {
  settings_.hf_pretrained_model_name_or_path = "meta-llama/Llama-3.1-8B-Instruct";
  EXPECT_THAT(choose(settings_).error().message, HasSubstr("nothing is downloaded"));
  settings_.hf_tokenizer_config_path = "/nonexistent/tokenizer_config.json";
  EXPECT_THAT(choose(settings_).error().message, HasSubstr("/nonexistent/tokenizer_config.json"));
  settings_.hf_tokenizer_config_path = write("list.json", "[]");
  EXPECT_THAT(choose(settings_).error().message, HasSubstr("list.json"));
  settings_.hf_tokenizer_config_path = write("broken.json", R"({"chat_template": "{{ x"})");
  EXPECT_THAT(choose(settings_).error().message, HasSubstr("line 1"));
}

}  // namespace
}  // namespace chasqui::app
