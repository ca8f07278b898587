// chasqui render: conversations through a chat template, to compare engines
// (docs/contracts/parity.md).

#include <fmt/format.h>

#include <cstdio>

#include "app/commands/command.h"
#include "app/json_io.h"
#include "chat/json_value.h"
#include "gguf/file.h"
#include "jinja/template.h"

namespace chasqui::app {
namespace {

namespace json = boost::json;

struct RenderArgs {
  std::string source;
  std::string input;
};

// The template in a model's metadata, or a file that is one.
Result<std::string> template_text(const std::string& path) {
  if (!path.ends_with(".gguf")) return read_input(path);
  CHASQUI_TRY(const gguf::File file, gguf::File::open(path));
  CHASQUI_TRY(const auto text, file.get_string("tokenizer.chat_template"));
  if (!text) return fail(ErrorCode::kNotFound, path + " has no tokenizer.chat_template");
  return std::string(*text);
}

// "2026-11-22T10:30:00", local time.
Result<std::tm> parse_time(std::string_view text, const std::string& where) {
  std::tm time = {};
  const std::string copy(text);
  if (strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &time) == nullptr) {
    return fail(ErrorCode::kInvalidArgument, where + ": now must be like 2026-11-22T10:30:00");
  }
  time.tm_isdst = -1;
  return time;
}

// What apply_chat_template() passes: tools and documents are None when there are none, whatever
// else is not given is undefined.
jinja::Variables variables_of(const json::object& item) {
  jinja::Variables variables;
  const auto add = [&](std::string_view name, jinja::Origin origin, bool always) {
    const json::value* value = item.if_contains(name);
    if (value == nullptr && !always) return;
    variables.emplace_back(
        name, value == nullptr ? jinja::Value::none() : chat::value_from_json(*value, origin));
  };
  add("messages", jinja::Origin::kCaller, true);
  add("tools", jinja::Origin::kCaller, true);
  add("documents", jinja::Origin::kCaller, true);
  add("add_generation_prompt", jinja::Origin::kTemplate, false);
  add("bos_token", jinja::Origin::kTemplate, false);
  add("eos_token", jinja::Origin::kTemplate, false);
  if (const json::value* more = item.if_contains("kwargs"); more != nullptr && more->is_object()) {
    for (const auto& [name, value] : more->get_object()) {
      std::erase_if(variables, [&](const auto& known) { return known.first == name; });
      variables.emplace_back(name, chat::value_from_json(value, jinja::Origin::kCaller));
    }
  }
  return variables;
}

Result<json::value> render_case(const jinja::Template& compiled, const json::object& item,
                                const std::string& where) {
  jinja::RenderOptions options;
  if (const json::value* now = item.if_contains("now"); now != nullptr && now->is_string()) {
    CHASQUI_TRY(options.now, parse_time(now->get_string(), where));
  }
  const auto rendered = compiled.render(variables_of(item), options);
  if (rendered) return json::value{{"text", rendered->bytes()}};
  const jinja::TemplateError& error = rendered.error();
  const bool raised = error.kind == jinja::TemplateError::Kind::kRaised;
  return json::value{{"raised", raised ? error.reason : error.to_error().message}};
}

Status render(const RenderArgs& args) {
  CHASQUI_TRY(const std::string source, template_text(args.source));
  const auto compiled = jinja::Template::compile(source);
  if (!compiled) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: {}", args.source, compiled.error().to_error().message));
  }
  CHASQUI_TRY(const json::value document, read_json_input(args.input));
  if (!document.is_array()) {
    return fail(ErrorCode::kInvalidArgument, "the input must be a JSON array of objects");
  }
  json::array results;
  for (const json::value& item : document.get_array()) {
    const std::string where = fmt::format("case {}", results.size());
    if (!item.is_object()) return fail(ErrorCode::kInvalidArgument, where + " is no object");
    CHASQUI_TRY(json::value result, render_case(*compiled, item.get_object(), where));
    results.push_back(std::move(result));
  }
  print_json(results);
  return {};
}

}  // namespace

Action declare_render(CLI::App& parser) {
  auto args = std::make_shared<RenderArgs>();
  parser.add_option("TEMPLATE", args->source, "GGUF file, or a Jinja template")->required();
  parser.add_option("--input", args->input, "JSON cases, a file or - (see docs)")->required();
  return [args] { return render(*args); };
}

}  // namespace chasqui::app
