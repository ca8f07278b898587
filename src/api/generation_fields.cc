// The rows that completion and chat requests share.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "api/internal/requests.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

using Body = GenerationBody;
using Spec = sample::SamplingSpec;
using enum FieldType;

constexpr double kMaxInt32 = 2147483647.0;

// The replaced server has no bound; beyond this all tokens are equally likely anyway.
constexpr double kMaxTemperature = 1e6;

// Room for n_ctx far beyond any model, and far from overflow when added to a prompt's length.
constexpr double kMaxTokens = 1e9;

Status add_stop(Body& body, const json::value& value, const std::string& path) {
  if (!value.is_string()) return bad_field(path, "a string", value);
  const json::string& text = value.get_string();
  if (text.size() > Limits::kStopBytes) {
    return bad_field(path, fmt::format("must have at most {} bytes, but has {}", Limits::kStopBytes,
                                       text.size()));
  }
  // An empty stop would end every answer before it begins; clients send it for "none".
  if (!text.empty()) body.stops.emplace_back(text);
  return {};
}

Status set_stop(Body& body, const json::value& value, std::string_view path) {
  if (value.is_string()) return add_stop(body, value, std::string(path));
  const json::array& list = value.get_array();
  if (list.size() > Limits::kStops) {
    return bad_field(
        path, fmt::format("must have at most {} entries, but has {}", Limits::kStops, list.size()));
  }
  size_t bytes = 0;
  for (size_t i = 0; i < list.size(); ++i) {
    CHASQUI_TRY_STATUS(add_stop(body, list[i], fmt::format("{}[{}]", path, i)));
    bytes += list[i].get_string().size();
  }
  if (bytes > Limits::kStopsBytes) {
    return bad_field(path, fmt::format("must have at most {} bytes together, but has {}",
                                       Limits::kStopsBytes, bytes));
  }
  return {};
}

Status set_stop_token_ids(Body& body, const json::value& value, std::string_view path) {
  const json::array& list = value.get_array();
  if (list.size() > Limits::kStopTokens) {
    return bad_field(path, fmt::format("must have at most {} entries, but has {}",
                                       Limits::kStopTokens, list.size()));
  }
  for (size_t i = 0; i < list.size(); ++i) {
    const FieldSpec id = {.name = "id", .type = kInteger, .min = 0, .max = kMaxInt32};
    CHASQUI_TRY_STATUS(check_field(id, list[i], fmt::format("{}[{}]", path, i)));
    body.stop_token_ids.push_back(static_cast<int32_t>(*as_integer(list[i])));
  }
  return {};
}

Status set_logit_bias(Body& body, const json::value& value, std::string_view path) {
  const json::object& object = value.get_object();
  if (object.size() > Limits::kLogitBias) {
    return bad_field(path, fmt::format("must have at most {} entries, but has {}",
                                       Limits::kLogitBias, object.size()));
  }
  for (const auto& [key, bias] : object) {
    if (key.size() > Limits::kLogitBiasKeyBytes) {
      return bad_field(path, fmt::format("must have keys of at most {} bytes, but one has {}",
                                         Limits::kLogitBiasKeyBytes, key.size()));
    }
    const FieldSpec number = {.name = "bias", .type = kNumber, .min = -1e6, .max = 1e6};
    CHASQUI_TRY_STATUS(
        check_field(number, bias, fmt::format("{}.{}", path, std::string_view(key))));
    body.logit_bias.emplace_back(key, bias.to_number<double>());
  }
  return {};
}

Status set_logit_bias_type(Body& body, const json::value& value, std::string_view) {
  body.logit_bias_by_text = value.get_string() == "tokens";
  return {};
}

// Any 64 bits are a seed; -1 asks for a random one, as the replaced server's does.
Status set_seed(Body& body, const json::value& value, std::string_view path) {
  if (value.is_uint64()) {
    body.sampling.seed = value.get_uint64();
    return {};
  }
  const std::optional<int64_t> seed = as_integer(value);
  if (!seed) return bad_field(path, "an integer of 64 bits", value);
  if (*seed != -1) body.sampling.seed = static_cast<uint64_t>(*seed);
  return {};
}

Status set_temperature(Body& body, const json::value& value, std::string_view) {
  body.sampling.temperature = std::max(0.0f, value.to_number<float>());
  return {};
}

Status set_stream_options(Body& body, const json::value& value, std::string_view path) {
  const json::value* usage = value.get_object().if_contains("include_usage");
  if (usage == nullptr || usage->is_null()) return {};
  if (!usage->is_bool())
    return bad_field(fmt::format("{}.include_usage", path), "true or false", *usage);
  body.include_usage = usage->get_bool();
  return {};
}

// At most one field may constrain the answer; two would have to hold together.
template <auto Read>
Status set_constraint(Body& body, const json::value& value, std::string_view path) {
  CHASQUI_TRY(Constraint constraint, Read(value, path));
  if (constraint.kind == Constraint::Kind::kNone) return {};
  if (body.constraint.kind != Constraint::Kind::kNone) {
    return bad_field(path, fmt::format("cannot be combined with {}", body.constraint.param));
  }
  body.constraint = std::move(constraint);
  return {};
}

constexpr Field<Body> kFields[] = {
    {{.name = "model",
      .nullable = true,
      .help = "Name to echo; one model is served under any name."},
     store_model_name<Body>},
    {{.name = "temperature",
      .type = kNumber,
      .fallback = "0.8",
      .nullable = true,
      .min = -kMaxTemperature,
      .max = kMaxTemperature,
      .help = "Higher is more random; 0 and below always take the likeliest token."},
     set_temperature},
    {{.name = "top_p",
      .type = kNumber,
      .fallback = "0.95",
      .nullable = true,
      .min = 0,
      .max = 1,
      .help = "Draw from the likeliest tokens that together have this probability; 1 is off."},
     store<&Body::sampling, &Spec::top_p>},
    {{.name = "min_p",
      .type = kNumber,
      .fallback = "0.05",
      .nullable = true,
      .min = 0,
      .max = 1,
      .help = "Drop tokens less likely than this share of the likeliest; 0 is off."},
     store<&Body::sampling, &Spec::min_p>},
    {{.name = "typical_p",
      .type = kNumber,
      .fallback = "1",
      .nullable = true,
      .min = 0,
      .max = 1,
      .help = "Locally typical sampling; 1 is off."},
     store<&Body::sampling, &Spec::typical_p>},
    {{.name = "tfs_z",
      .type = kNumber,
      .fallback = "1",
      .nullable = true,
      .min = 0,
      .max = 1,
      .help = "Tail-free sampling; 1 is off."},
     store<&Body::sampling, &Spec::tfs_z>},
    {{.name = "top_k",
      .type = kInteger,
      .fallback = "40",
      .nullable = true,
      .min = -1,
      .max = kMaxInt32,
      .help = "Draw from the k likeliest tokens; 0 or -1 is all."},
     store<&Body::sampling, &Spec::top_k>},
    {{.name = "repeat_penalty",
      .type = kNumber,
      .fallback = "1.1",
      .nullable = true,
      .min = 0,
      .max = 1e6,
      .help = "Divides the logits of recent tokens; 1 is off."},
     store<&Body::sampling, &Spec::repeat_penalty>},
    {{.name = "presence_penalty",
      .type = kNumber,
      .fallback = "0",
      .nullable = true,
      .min = -2,
      .max = 2,
      .help = "Subtracted from the logit of every recent token."},
     store<&Body::sampling, &Spec::presence_penalty>},
    {{.name = "frequency_penalty",
      .type = kNumber,
      .fallback = "0",
      .nullable = true,
      .min = -2,
      .max = 2,
      .help = "Subtracted from the logit of a recent token for each time it came."},
     store<&Body::sampling, &Spec::frequency_penalty>},
    {{.name = "mirostat_mode",
      .type = kInteger,
      .fallback = "0",
      .nullable = true,
      .min = 0,
      .max = 2,
      .help = "Mirostat sampling, version 1 or 2; 0 is off."},
     store<&Body::sampling, &Spec::mirostat_mode>},
    {{.name = "mirostat_tau",
      .type = kNumber,
      .fallback = "5.0",
      .nullable = true,
      .min = 0,
      .max = 10,
      .help = "Mirostat's target surprise in bits."},
     store<&Body::sampling, &Spec::mirostat_tau>},
    {{.name = "mirostat_eta",
      .type = kNumber,
      .fallback = "0.1",
      .nullable = true,
      .min = 0.001,
      .max = 1,
      .help = "Mirostat's learning rate."},
     store<&Body::sampling, &Spec::mirostat_eta>},
    {{.name = "seed",
      .type = kInteger,
      .nullable = true,
      .help = "Same request and seed, same answer; -1 or null is random."},
     set_seed},
    {{.name = "stop",
      .type = kStringOrArray,
      .nullable = true,
      .help = "Up to 128 texts; the first that appears ends the answer and is not part of it.",
      .schema = "Stop"},
     set_stop},
    {{.name = "stop_token_ids",
      .type = kArray,
      .nullable = true,
      .help = "Tokens that end the answer, besides the model's own.",
      .schema = "TokenIds"},
     set_stop_token_ids},
    {{.name = "min_tokens",
      .type = kInteger,
      .fallback = "0",
      .nullable = true,
      .min = 0,
      .max = kMaxTokens,
      .help = "The model may not end its answer before."},
     store<&Body::min_tokens>},
    {{.name = "ignore_eos",
      .type = kBoolean,
      .fallback = "false",
      .nullable = true,
      .help = "End-of-generation tokens do not end the answer."},
     store<&Body::ignore_eos>},
    {{.name = "stream",
      .type = kBoolean,
      .fallback = "false",
      .nullable = true,
      .help = "Answer in server-sent events while the text is generated."},
     store<&Body::stream>},
    {{.name = "stream_options",
      .type = kObject,
      .nullable = true,
      .help = "{\"include_usage\": true}: a last chunk with the token counts.",
      .schema = "StreamOptions"},
     set_stream_options},
    {{.name = "n",
      .type = kInteger,
      .fallback = "1",
      .nullable = true,
      .min = 1,
      .max = Limits::kChoices,
      .help = "Number of answers."},
     store<&Body::n>},
    {{.name = "logit_bias",
      .type = kObject,
      .nullable = true,
      .help = "Token id (or text, see logit_bias_type) to the number added to its logit.",
      .schema = "LogitBias"},
     set_logit_bias},
    {{.name = "logit_bias_type",
      .type = kString,
      .fallback = "\"input_ids\"",
      .nullable = true,
      .choices = "input_ids|tokens",
      .help = "What the keys of logit_bias are."},
     set_logit_bias_type},
    {{.name = "grammar",
      .type = kString,
      .nullable = true,
      .help = "GBNF grammar that the answer must follow."},
     set_constraint<read_gbnf>},
    {{.name = "structured_outputs",
      .type = kObject,
      .nullable = true,
      .help = "What the answer must be: {\"json\": schema}, {\"regex\": ...}, {\"choice\": [...]}, "
              "{\"grammar\": ...} or {\"json_object\": true}.",
      .schema = "StructuredOutputs"},
     set_constraint<read_structured_outputs>},
    {{.name = "guided_json",
      .type = kStringOrObject,
      .nullable = true,
      .help = "Older name of structured_outputs.json.",
      .schema = "JsonSchemaOrText"},
     set_constraint<read_schema>},
    {{.name = "guided_regex",
      .type = kString,
      .nullable = true,
      .help = "Older name of structured_outputs.regex."},
     set_constraint<read_regex>},
    {{.name = "guided_choice",
      .type = kArray,
      .nullable = true,
      .help = "Older name of structured_outputs.choice.",
      .schema = "Choices"},
     set_constraint<read_choice>},
    {{.name = "guided_grammar",
      .type = kString,
      .nullable = true,
      .help = "Older name of structured_outputs.grammar."},
     set_constraint<read_gbnf>},
    {{.name = "user", .type = kString, .nullable = true, .help = "Accepted; has no effect."},
     store<&Body::user>},
};

}  // namespace

std::span<const Field<GenerationBody>> generation_fields() {
  return kFields;
}

}  // namespace chasqui::api
