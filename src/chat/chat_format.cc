// house-numbers: table
#include "chat/chat_format.h"

#include "chat/internal/builtin_formats.h"

namespace chasqui::chat {
namespace {

constexpr std::string_view kFallback = "llama-2";
constexpr std::string_view kOwnTemplate = "chat_template.default";

// Versions of Functionary, and what only their vocabularies have.
constexpr std::string_view kFunctionaryV1 = "functionary-v1";
constexpr std::string_view kFunctionaryV2 = "functionary-v2";
constexpr std::string_view kFunctionaryV1Token = "<|START_OF_FUNCTION_CALL|>";
constexpr std::string_view kFunctionaryV2Token = "<|recipient|>";

using Model = const ModelTexts&;

// As in the replaced server the tokens decide, where there are some: files of one version are run
// under the name of the other.
template <const std::string_view& kName>
Result<ChatFormatPtr> make_functionary(Model model) {
  const std::string_view version = model.functionary.empty() ? kName : model.functionary;
  return version == kFunctionaryV1 ? make_functionary_v1_format() : make_functionary_v2_format();
}

// Markers are looked for in this order, the more specific ones first.
constexpr ChatFormatRow kFormats[] = {
    {kOwnTemplate, "the Jinja template in the model's file", "", make_template_format},
    {"llama-2", "[INST] <<SYS>> ... [/INST]: Llama 2 chat models", "",
     [](Model model) -> Result<ChatFormatPtr> { return make_llama2_format(model); }},
    {"llama-3", "<|start_header_id|>role<|end_header_id|>: Llama 3", "<|start_header_id|>",
     [](Model) -> Result<ChatFormatPtr> { return make_turn_format("llama-3"); }},
    {"functionary-v1", "functions as TypeScript; <|START_OF_FUNCTION_CALL|>NAME: Functionary 1",
     kFunctionaryV1Token, make_functionary<kFunctionaryV1>},
    {"functionary-v2", "functions as TypeScript; <|from|> <|recipient|> <|content|>: Functionary 2",
     kFunctionaryV2Token, make_functionary<kFunctionaryV2>},
    {"chatml", "<|im_start|>role ... <|im_end|>: Qwen, Hermes, Yi and many others", "<|im_start|>",
     [](Model) -> Result<ChatFormatPtr> { return make_chatml_format(); }},
    {"gemma", "<start_of_turn>user ... <end_of_turn>: Gemma", "<start_of_turn>",
     [](Model) -> Result<ChatFormatPtr> { return make_turn_format("gemma"); }},
    {"qwen", "ChatML with a system message of its own: the first Qwen models", "",
     [](Model) -> Result<ChatFormatPtr> { return make_turn_format("qwen"); }},
    {"mistral-instruct", "[INST] ... [/INST]: Mistral and Mixtral Instruct", "",
     [](Model) -> Result<ChatFormatPtr> { return make_turn_format("mistral-instruct"); }},
    {"vicuna", "USER: ... ASSISTANT: ...: Vicuna", "",
     [](Model) -> Result<ChatFormatPtr> { return make_turn_format("vicuna"); }},
    {"alpaca", "### Instruction: ... ### Response: ...: Alpaca", "",
     [](Model) -> Result<ChatFormatPtr> { return make_turn_format("alpaca"); }},
    {"zephyr", "<|system|> ... <|user|> ... <|assistant|>: Zephyr", "",
     [](Model) -> Result<ChatFormatPtr> { return make_turn_format("zephyr"); }},
    {"openchat", "GPT4 Correct User: ... <|end_of_turn|>: OpenChat", "<|end_of_turn|>",
     [](Model) -> Result<ChatFormatPtr> { return make_turn_format("openchat"); }},
    {"open-orca", "User: ... Assistant: ... <|end_of_turn|>: OpenOrca", "",
     [](Model) -> Result<ChatFormatPtr> { return make_turn_format("open-orca"); }},
    {"mistrallite", "<|prompter|> ... <|assistant|>: MistralLite", "",
     [](Model) -> Result<ChatFormatPtr> { return make_turn_format("mistrallite"); }},
    {"oasst_llama", "<|prompter|> ... <|assistant|>: OpenAssistant Llama 2", "<|prompter|>",
     [](Model) -> Result<ChatFormatPtr> { return make_turn_format("oasst_llama"); }},
    {"baichuan-2", "<reserved_106> ... <reserved_107>: Baichuan 2", "",
     [](Model) -> Result<ChatFormatPtr> { return make_turn_format("baichuan-2"); }},
    {"baichuan", "<reserved_102> ... <reserved_103>: Baichuan", "<reserved_102>",
     [](Model) -> Result<ChatFormatPtr> { return make_turn_format("baichuan"); }},
    {"openbuddy", "User: ... Assistant: ...: OpenBuddy", "",
     [](Model) -> Result<ChatFormatPtr> { return make_turn_format("openbuddy"); }},
    {"redpajama-incite", "<human>: ... <bot>: ...: RedPajama INCITE", "",
     [](Model) -> Result<ChatFormatPtr> { return make_turn_format("redpajama-incite"); }},
    {"snoozy", "### Prompt: ... ### Response: ...: GPT4All Snoozy", "",
     [](Model) -> Result<ChatFormatPtr> { return make_turn_format("snoozy"); }},
    {"phind", "### User Message ... ### Assistant: Phind CodeLlama", "",
     [](Model) -> Result<ChatFormatPtr> { return make_turn_format("phind"); }},
    {"intel", "### User: ... ### Assistant: ...: Intel Neural Chat", "",
     [](Model) -> Result<ChatFormatPtr> { return make_turn_format("intel"); }},
    {"pygmalion", "<|system|> ... <|user|> ... <|model|>: Pygmalion", "",
     [](Model) -> Result<ChatFormatPtr> { return make_turn_format("pygmalion"); }},
    {"chatglm3", "<|user|> ... <|assistant|>: ChatGLM3", "",
     [](Model) -> Result<ChatFormatPtr> { return make_turn_format("chatglm3"); }},
    {"saiga", "<s>user ... </s><s>bot: Saiga", "",
     [](Model) -> Result<ChatFormatPtr> { return make_turn_format("saiga"); }},
    {"functionary", "functions as TypeScript; assistant to=functions.NAME: the first Functionary",
     "", [](Model) -> Result<ChatFormatPtr> { return make_functionary_format(); }},
    {"chatml-function-calling", "ChatML that asks for message: or functions.NAME: any model", "",
     [](Model) -> Result<ChatFormatPtr> { return make_chatml_calls_format(); }},
    {"hf-autotokenizer",
     "the model's template, or that of the setting hf_pretrained_model_name_or_path", "",
     make_template_format},
    {"hf-tokenizer-config", "the model's template, or that of the setting hf_tokenizer_config_path",
     "", make_template_format},
};

std::string token_text(const text::Vocab& vocab, text::TokenId id) {
  return id == text::kNoToken ? std::string() : std::string(vocab.text(id));
}

std::string_view name_by_marker(const text::Vocab& vocab) {
  for (const ChatFormatRow& row : kFormats) {
    if (!row.marker.empty() && vocab.find(row.marker).has_value()) return row.name;
  }
  return kFallback;
}

}  // namespace

std::string Prompt::text() const {
  std::string out;
  for (const PromptPart& part : parts) out += part.text;
  return out;
}

ModelTexts model_texts(const text::Vocab& vocab, std::string chat_template) {
  ModelTexts model = {token_text(vocab, vocab.special().bos),
                      token_text(vocab, vocab.special().eos), std::move(chat_template)};
  if (vocab.find(kFunctionaryV1Token)) {
    model.functionary = kFunctionaryV1;
  } else if (vocab.find(kFunctionaryV2Token)) {
    model.functionary = kFunctionaryV2;
  }
  return model;
}

std::span<const ChatFormatRow> chat_formats() {
  return kFormats;
}

Result<ChatFormatPtr> make_chat_format(std::string_view name, const ModelTexts& model) {
  std::string known;
  for (const ChatFormatRow& row : kFormats) {
    if (row.name == name) return row.make(model);
    if (!known.empty()) known += ", ";
    known += row.name;
  }
  return fail(ErrorCode::kNotFound,
              "chat_format: there is no format \"" + std::string(name) + "\"; known are " + known,
              "chat_format");
}

DefaultFormat default_chat_format(const ModelTexts& model, const text::Vocab& vocab) {
  DefaultFormat chosen;
  if (!model.chat_template.empty()) {
    auto own = make_template_format(model);
    if (own) return {*own, ""};
    chosen.warning = own.error().message;
  }
  chosen.format = *make_chat_format(name_by_marker(vocab), model);
  return chosen;
}

}  // namespace chasqui::chat
