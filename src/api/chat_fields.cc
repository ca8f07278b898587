// The rows of POST /v1/chat/completions, and the rules between them.
#include <fmt/format.h>

#include "api/internal/requests.h"
#include "chat/json_value.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

using Body = ChatBody;
using enum FieldType;

Status set_messages(Body& body, const json::value& value, std::string_view path) {
  CHASQUI_TRY(body.messages, read_messages(value.get_array(), path));
  return {};
}

// Wins over `grammar`, as in the replaced server; the newer fields do not go with it.
Status set_response_format(Body& body, const json::value& value, std::string_view path) {
  CHASQUI_TRY(Constraint constraint, read_response_format(value, path));
  if (constraint.kind == Constraint::Kind::kNone) return {};
  const Constraint& other = body.constraint;
  if (other.kind != Constraint::Kind::kNone && other.param != "grammar") {
    return bad_field(path, fmt::format("cannot be combined with {}", other.param));
  }
  body.constraint = std::move(constraint);
  return {};
}

Status set_template_variables(Body& body, const json::value& value, std::string_view path) {
  const json::object& object = value.get_object();
  if (object.size() > Limits::kTemplateVariables) {
    return bad_field(path, fmt::format("must have at most {} entries, but has {}",
                                       Limits::kTemplateVariables, object.size()));
  }
  for (const auto& [name, item] : object) {
    body.template_variables.emplace_back(name, chat::value_from_json(item, jinja::Origin::kCaller));
  }
  return {};
}

Status accept(Body&, const json::value&, std::string_view) {
  return {};
}

// The names that templates ask for: a level, or only whether to think.
Status set_reasoning_effort(Body& body, const json::value& value, std::string_view) {
  const std::string_view effort = value.get_string();
  const jinja::Value thinks = jinja::Value::boolean(effort != "none");
  body.template_variables.emplace_back(
      "reasoning_effort", jinja::Value::string(std::string(effort), jinja::Origin::kTemplate));
  body.template_variables.emplace_back("enable_thinking", thinks);
  body.template_variables.emplace_back("thinking", thinks);
  return {};
}

constexpr Field<Body> kFields[] = {
    {{.name = "messages",
      .type = kArray,
      .required = true,
      .help = "The conversation: {role, content}; roles system, developer, user, assistant, tool, "
              "function; content a text or a list of {type: \"text\", text}.",
      .schema = "Messages"},
     set_messages},
    {{.name = "max_tokens",
      .type = kInteger,
      .nullable = true,
      .min = -1e9,
      .max = 1e9,
      .help = "Most tokens to generate; null or not above 0: to the end of the context."},
     store<&Body::max_tokens>},
    {{.name = "max_completion_tokens",
      .type = kInteger,
      .nullable = true,
      .min = 1,
      .max = 1e9,
      .help = "Newer name of max_tokens."},
     store<&Body::max_completion_tokens>},
    {{.name = "logprobs",
      .type = kBoolean,
      .fallback = "false",
      .nullable = true,
      .help = "Report the log-probability of each token."},
     store<&Body::logprobs>},
    {{.name = "top_logprobs",
      .type = kInteger,
      .nullable = true,
      .min = 0,
      .max = Limits::kLogprobs,
      .help = "With logprobs: report this many of the likeliest tokens too."},
     store<&Body::top_logprobs>},
    // Before the variables themselves: of two, the later one counts.
    {{.name = "reasoning_effort",
      .type = kString,
      .nullable = true,
      .choices = "none|minimal|low|medium|high|xhigh",
      .help =
          "How long the model may think, for templates that know it: they see reasoning_effort, "
          "and enable_thinking and thinking, which are false for none only."},
     set_reasoning_effort},
    {{.name = "chat_template_kwargs",
      .type = kObject,
      .nullable = true,
      .help = "Variables of the model's chat template, like {\"enable_thinking\": false}.",
      .schema = "TemplateVariables"},
     set_template_variables},
    {{.name = "response_format",
      .type = kObject,
      .nullable = true,
      .help = "{\"type\": \"text\"}, {\"type\": \"json_object\"} (optionally with \"schema\") or "
              "{\"type\": "
              "\"json_schema\", \"json_schema\": {\"schema\": ...}}: what the answer must be.",
      .schema = "ResponseFormat"},
     set_response_format},
    // What these hold is read together, by read_tools().
    {{.name = "tools",
      .type = kArray,
      .nullable = true,
      .help = "Functions that the model may call: {\"type\": \"function\", \"function\": {name, "
              "description, parameters (a JSON schema), strict}}.",
      .schema = "Tools"},
     accept},
    {{.name = "tool_choice",
      .type = kStringOrObject,
      .nullable = true,
      .help = "\"none\", \"auto\", \"required\" (a call must come), or {\"type\": \"function\", "
              "\"function\": {name}}.",
      .schema = "ToolChoice"},
     accept},
    {{.name = "parallel_tool_calls",
      .type = kBoolean,
      .fallback = "true",
      .nullable = true,
      .help = "Whether an answer may have several calls; false ends it behind the first."},
     store<&Body::tools, &ToolWishes::parallel>},
    {{.name = "functions", .type = kArray, .nullable = true, .help = "Older form of tools.",
      .schema = "Functions"},
     accept},
    {{.name = "function_call",
      .type = kStringOrObject,
      .nullable = true,
      .help = "Older form of tool_choice: \"none\", \"auto\" or {name}.",
      .schema = "FunctionCallChoice"},
     accept},
};

}  // namespace

std::span<const Field<ChatBody>> chat_fields() {
  return kFields;
}

std::vector<FieldSpec> chat_specs() {
  std::vector<FieldSpec> specs = specs_of(chat_fields());
  const std::vector<FieldSpec> shared = specs_of(generation_fields());
  specs.insert(specs.end(), shared.begin(), shared.end());
  return specs;
}

Result<ChatBody> read_chat(const json::object& object) {
  ChatBody body;
  CHASQUI_TRY_STATUS(read_fields<GenerationBody>(object, generation_fields(), body));
  CHASQUI_TRY_STATUS(read_fields<ChatBody>(object, chat_fields(), body));
  CHASQUI_TRY_STATUS(read_tools(object, body.tools));
  if (body.tools.forced && body.constraint.kind != Constraint::Kind::kNone) {
    return bad_field(body.constraint.param, "cannot be combined with a call that must come");
  }
  if (body.max_completion_tokens) body.max_tokens = body.max_completion_tokens;
  if (body.max_tokens && *body.max_tokens <= 0) body.max_tokens.reset();
  if (body.top_logprobs.value_or(0) > 0 && !body.logprobs) {
    return bad_field("top_logprobs", "needs logprobs to be true");
  }
  return body;
}

}  // namespace chasqui::api
