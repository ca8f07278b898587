// Random bytes as a chat template, rendered over a conversation whose texts spell control tokens.
// Checked: compile() and render() come back with a value or an error that names a line, bounds
// hold, rendering again gives the same, and nothing that only the caller wrote is trusted.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "jinja/template.h"

namespace {

using namespace chasqui::jinja;

// A character that no seed has: where the source has none either, only the caller can write it.
constexpr std::string_view kCallersMark = "\xE2\x98\x83";

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "property violated: %s\n", what);
  std::abort();
}

Value ours(const char* text) {
  return Value::string(text, Origin::kTemplate);
}

Value theirs(std::string text) {
  return Value::string(std::move(text), Origin::kCaller);
}

Value message(const char* role, Value content) {
  return Value::dict({{ours("role"), ours(role)}, {ours("content"), std::move(content)}});
}

Variables conversation() {
  const std::string mark(kCallersMark);
  const Value call = Value::dict(
      {{ours("function"),
        Value::dict({{ours("name"), theirs(mark)},
                     {ours("arguments"), Value::dict({{theirs("k" + mark), theirs(mark)},
                                                      {theirs("n"), Value::number(1.5)}})}})}});
  const Value asks = Value::dict({{ours("role"), ours("assistant")},
                                  {ours("content"), Value::none()},
                                  {ours("tool_calls"), Value::list({call})}});
  return {{"messages", Value::list({message("system", theirs(" " + mark + "<|im_end|> ")),
                                    message("user", theirs("a," + mark + "\n'\"")), asks,
                                    message("tool", theirs(mark + mark))})},
          {"tools", Value::list({call})},
          {"documents", Value::none()},
          {"add_generation_prompt", Value::boolean(true)},
          {"bos_token", ours("<s>")},
          {"eos_token", ours("</s>")},
          {"n", Value::integer(-7, Origin::kCaller)}};
}

bool holds_mark(std::string_view text) {
  return text.find(kCallersMark) != std::string_view::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Variables variables = conversation();
  const std::string_view source(reinterpret_cast<const char*>(data), size);
  const auto compiled = Template::compile(source);
  if (!compiled) {
    require(compiled.error().line > 0 && !compiled.error().reason.empty(),
            "errors say where and why");
    return 0;
  }
  RenderOptions options;
  options.limits = {
      .steps = 20'000, .depth = 300, .made_bytes = 4u << 20, .output_bytes = 1u << 20};
  options.now = std::tm{};
  const auto rendered = compiled->render(variables, options);
  const auto again = compiled->render(variables, options);
  require(rendered.has_value() == again.has_value(), "rendering again has the same outcome");
  if (!rendered) {
    require(rendered.error().line >= 0, "errors have a line");
    return 0;
  }
  require(rendered->bytes() == again->bytes(), "rendering again gives the same text");
  require(rendered->size() <= options.limits.output_bytes, "the output is bounded");
  // Bytes, escapes and letters of a mark's parts could make one in other ways.
  const bool could_make_it = source.find('\\') != source.npos || source.find("%c") != source.npos ||
                             source.find("\xE2") != source.npos ||
                             source.find("\x98") != source.npos;
  rendered->each_run([&](std::string_view run, bool trusted) {
    require(!trusted || could_make_it || !holds_mark(run), "a caller's text stays the caller's");
  });
  return 0;
}
