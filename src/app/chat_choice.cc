#include "app/chat_choice.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <boost/json.hpp>
#include <filesystem>
#include <optional>

#include "app/json_io.h"

namespace chasqui::app {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::string_view kOwnTemplate = "chat_template.default";
constexpr std::string_view kTemplatePrefix = "chat_template.";
constexpr std::string_view kFromHuggingFace = "hf-tokenizer-config";

tl::unexpected<Error> unusable(const std::string& path, std::string_view what) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("{}: {}", path, what),
              "hf_tokenizer_config_path");
}

// "<s>" of "<s>" or {"content": "<s>", ...}; none of null or nothing.
std::optional<std::string> marker_of(const json::object& config, std::string_view key) {
  const json::value* value = config.if_contains(key);
  if (value != nullptr && value->is_object()) value = value->get_object().if_contains("content");
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string(value->get_string());
}

// The template called "default" of a list of {name, template}.
std::optional<std::string> default_of(const json::array& list) {
  for (const json::value& entry : list) {
    const json::object* named = entry.if_object();
    if (named == nullptr || marker_of(*named, "name") != "default") continue;
    return marker_of(*named, "template");
  }
  return std::nullopt;
}

Result<std::string> template_of(const json::object& config, const std::string& path) {
  const json::value* value = config.if_contains("chat_template");
  if (value != nullptr && value->is_string()) return std::string(value->get_string());
  if (value != nullptr && value->is_array()) {
    if (auto text = default_of(value->get_array())) return *text;
    return unusable(path, "chat_template is a list without a template called \"default\"");
  }
  const fs::path beside = fs::path(path).parent_path() / "chat_template.jinja";
  if (fs::exists(beside)) return read_input(beside.string());
  return unusable(path, "it has no chat_template, and no chat_template.jinja stands beside it");
}

// The tokenizer_config.json that the settings mean; "" where they mean none.
Result<std::string> config_path(const Settings& settings) {
  if (!settings.hf_tokenizer_config_path.empty()) return settings.hf_tokenizer_config_path;
  const std::string& folder = settings.hf_pretrained_model_name_or_path;
  if (folder.empty()) return std::string();
  const fs::path path = fs::path(folder) / "tokenizer_config.json";
  if (fs::exists(path)) return path.string();
  return fail(ErrorCode::kNotFound,
              fmt::format("hf_pretrained_model_name_or_path: {} does not exist; nothing is "
                          "downloaded, so give a folder that has this file",
                          path.string()),
              "hf_pretrained_model_name_or_path");
}

// The template that `format` means, of those in the file; "" where there is none.
Result<std::string> template_in_file(const gguf::File& file, const std::string& format) {
  if (!format.starts_with(kTemplatePrefix) || format == kOwnTemplate) {
    CHASQUI_TRY(const auto own, file.get_string("tokenizer.chat_template"));
    return std::string(own.value_or(""));
  }
  const std::string key = "tokenizer." + format;
  CHASQUI_TRY(const auto named, file.get_string(key));
  if (named) return std::string(*named);
  return fail(ErrorCode::kNotFound, "chat_format: the model's file has no " + key, "chat_format");
}

// Whether the format renders what is called the model's template here.
bool uses_template(const std::string& format) {
  return format.empty() || format.starts_with(kTemplatePrefix) || format.starts_with("hf-");
}

}  // namespace

Result<chat::ModelTexts> read_tokenizer_config(const std::string& path, chat::ModelTexts model) {
  CHASQUI_TRY(const json::value document, read_json_input(path));
  if (!document.is_object()) return unusable(path, "is no JSON object");
  const json::object& config = document.get_object();
  CHASQUI_TRY(model.chat_template, template_of(config, path));
  model.bos = marker_of(config, "bos_token").value_or(model.bos);
  model.eos = marker_of(config, "eos_token").value_or(model.eos);
  return model;
}

Result<chat::ChatFormatPtr> choose_chat_format(const gguf::File& file, const text::Vocab& vocab,
                                               const Settings& settings) {
  const std::string& format = settings.chat_format;
  CHASQUI_TRY(const std::string path, config_path(settings));
  if (!path.empty() && uses_template(format)) {
    CHASQUI_TRY(const chat::ModelTexts texts,
                read_tokenizer_config(path, chat::model_texts(vocab, "")));
    spdlog::info("the chat template is that of {}", path);
    return chat::make_chat_format(kFromHuggingFace, texts);
  }
  if (!path.empty()) spdlog::warn("{} has no effect: the chat_format is {}", path, format);
  CHASQUI_TRY(std::string own, template_in_file(file, format));
  const chat::ModelTexts texts = chat::model_texts(vocab, std::move(own));
  if (format.starts_with(kTemplatePrefix)) return chat::make_chat_format(kOwnTemplate, texts);
  if (!format.empty()) return chat::make_chat_format(format, texts);
  chat::DefaultFormat chosen = chat::default_chat_format(texts, vocab);
  if (!chosen.warning.empty()) {
    spdlog::warn("{}; using the chat format {} instead (setting chat_format)", chosen.warning,
                 chosen.format->name());
  }
  return chosen.format;
}

}  // namespace chasqui::app
