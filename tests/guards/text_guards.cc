#include <fmt/format.h>

#include <boost/json.hpp>
#include <memory>

#include "api/internal/chat_shape.h"
#include "base/check.h"
#include "base/rng.h"
#include "grammar/matcher.h"
#include "guards/guard.h"
#include "http/sse_writer.h"
#include "jinja/template.h"
#include "sample/sampler_chain.h"
#include "support/source_dir.h"
#include "text/tokenizer.h"

namespace chasqui::guards {
namespace {

constexpr int32_t kVocab = 32000;

Guard sampling(std::string name, const sample::SamplingSpec& spec, int top_logprobs) {
  Rng rng(1);
  std::vector<float> logits(kVocab);
  for (float& x : logits) x = static_cast<float>(rng.normal() * 2.0);
  for (int i = 0; i < 20; ++i) logits[rng.below(kVocab)] += 15.0f;
  // A chain for each call: its history would grow otherwise.
  return {"sample " + name, "logit", kVocab, [=] {
            sample::SamplerChain chain(spec, kVocab, -1);
            std::vector<float> copy = logits;
            chain.sample(copy, top_logprobs);
          }};
}

// Words of one to six letters, JSON's signs, and every byte.
std::shared_ptr<const grammar::TokenTable> made_up_vocabulary() {
  std::vector<std::string> pieces = {"</s>", "{\"", "\":", "\",\"", "\"}", "true", "},"};
  for (int byte = 0; byte < 256; ++byte) pieces.emplace_back(1, static_cast<char>(byte));
  Rng rng(2);
  while (pieces.size() < 8000) {
    std::string piece = rng.below(2) == 0 ? " " : "";
    for (uint64_t n = rng.below(6) + 1; n > 0; --n) {
      piece += static_cast<char>('a' + static_cast<char>(rng.below(26)));
    }
    pieces.push_back(std::move(piece));
  }
  return grammar::TokenTable::build(std::move(pieces), {0});
}

constexpr std::string_view kSchema = R"({"type": "object", "properties": {
  "name": {"type": "string", "maxLength": 20}, "age": {"type": "integer", "minimum": 0},
  "tags": {"type": "array", "items": {"enum": ["red", "green", "blue"]}}},
  "required": ["name", "age", "tags"], "additionalProperties": false})";
constexpr std::string_view kInstance = R"({"name":"ada","age":36,"tags":["red","blue"]})";

// Compiles a schema and computes the mask before each token of an instance.
Guard masks() {
  const auto table = made_up_vocabulary();
  const boost::json::value schema = boost::json::parse(kSchema);
  const auto tokens = table->split(kInstance);
  CHASQUI_CHECK(tokens.has_value(), "every byte is a token");
  return {"grammar schema", "mask", static_cast<double>(tokens->size()), [=] {
            auto compiled = grammar::compile_json_schema(schema, table);
            CHASQUI_CHECK(compiled.has_value(), "{}", compiled.error().message);
            grammar::Matcher matcher(*compiled);
            grammar::TokenMask mask;
            for (const int32_t token : *tokens) {
              matcher.mask(mask);
              CHASQUI_CHECK(matcher.accept(token), "token {} of the instance", token);
            }
          }};
}

constexpr std::string_view kTemplate = R"({%- for message in messages %}
{{- '<|im_start|>' + message.role + '\n' + message.content | trim + '<|im_end|>\n' }}
{%- if loop.last and add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}
{%- endfor %})";

Guard rendering() {
  using jinja::Value;
  const auto text = [](std::string bytes) {
    return Value::string(std::move(bytes), jinja::Origin::kCaller);
  };
  constexpr int kMessages = 100;
  std::vector<Value> messages;
  for (int i = 0; i < kMessages; ++i) {
    messages.push_back(Value::dict({{text("role"), text(i % 2 == 0 ? "user" : "assistant")},
                                    {text("content"), text("What is the capital of Peru?")}}));
  }
  const jinja::Variables variables = {{"messages", Value::list(std::move(messages))},
                                      {"add_generation_prompt", Value::boolean(true)}};
  auto compiled = jinja::Template::compile(std::string(kTemplate));
  CHASQUI_CHECK(compiled.has_value(), "{}", compiled.error().reason);
  const auto shared = std::make_shared<jinja::Template>(std::move(*compiled));
  return {"jinja render", "message", kMessages,
          [=] { CHASQUI_CHECK(shared->render(variables).has_value(), "the template renders"); }};
}

std::shared_ptr<const text::Tokenizer> demo_tokenizer() {
  static const auto file =
      gguf::File::open((testing::source_dir() / "models/demo/chasqui-demo.gguf").string());
  CHASQUI_CHECK(file.has_value(), "{}", file.error().message);
  auto tokenizer = text::Tokenizer::load(*file);
  CHASQUI_CHECK(tokenizer.has_value(), "{}", tokenizer.error().message);
  return *tokenizer;
}

Guard encoding(const std::shared_ptr<const text::Tokenizer>& tokenizer) {
  std::string text;
  while (text.size() < 8000) text += "The capital of Peru is Lima, and 7 + 5 is 12. ";
  return {"tokenize", "byte", static_cast<double>(text.size()),
          [=] { tokenizer->encode(text, {}); }};
}

// The events of a streamed chat, as JSON and as frames.
Guard streaming(const std::shared_ptr<const text::Tokenizer>& tokenizer) {
  constexpr int kEvents = 200;
  return {"chat stream", "event", kEvents, [=] {
            api::ChatShape shape({"chatcmpl-1", 1700000000, "demo"}, {}, tokenizer);
            api::Chunks chunks;
            shape.open(0, chunks);
            engine::Event event;
            for (int i = 0; i < kEvents; ++i) {
              event.text = i % 7 == 0 ? "\n\"word\"" : " word";
              shape.delta(0, event, chunks);
            }
            shape.close(0, engine::FinishReason::kStop, chunks);
            size_t bytes = 0;
            for (const std::string& chunk : chunks) bytes += http::sse_frame("", chunk).size();
            CHASQUI_CHECK(bytes > 0, "frames");
          }};
}

}  // namespace

std::vector<Guard> text_guards() {
  sample::SamplingSpec common;
  common.seed = 7;
  sample::SamplingSpec greedy = common;
  greedy.temperature = 0;
  const auto tokenizer = demo_tokenizer();
  return {sampling("default", common, -1),
          sampling("greedy", greedy, -1),
          sampling("log-probs", common, 5),
          masks(),
          rendering(),
          encoding(tokenizer),
          streaming(tokenizer)};
}

}  // namespace chasqui::guards
