// The rows of POST /v1/completions, and the rules between them.
#include <fmt/format.h>

#include "api/internal/requests.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

using Body = CompletionBody;
using enum FieldType;

Status set_prompt(Body& body, const json::value& value, std::string_view path) {
  CHASQUI_TRY(body.prompts, read_inputs(value, path, Limits::kPrompts));
  if (body.prompts.empty()) body.prompts.push_back({});  // [] is "", as before
  return {};
}

constexpr Field<Body> kFields[] = {
    {{.name = "prompt",
      .type = kStringOrArray,
      .fallback = "\"\"",
      .nullable = true,
      .help = "Text to continue; also a list of texts, token ids or lists of token ids. Control "
              "tokens spelled in the text count: the caller writes the whole prompt.",
      .schema = "Prompt"},
     set_prompt},
    {{.name = "suffix",
      .type = kString,
      .nullable = true,
      .help =
          "What stands behind the answer: models that can fill in the middle see it, for others "
          "it is put behind the answer as it is."},
     store<&Body::suffix>},
    {{.name = "max_tokens",
      .type = kInteger,
      .fallback = "16",
      .nullable = true,
      .min = 0,
      .max = 1e9,
      .help = "Most tokens to generate; 0 and null are all that the context has left, and more is "
              "cut to that."},
     store<&Body::max_tokens>},
    {{.name = "echo",
      .type = kBoolean,
      .fallback = "false",
      .nullable = true,
      .help = "The answer starts with the prompt."},
     store<&Body::echo>},
    {{.name = "logprobs",
      .type = kInteger,
      .nullable = true,
      .min = 0,
      .max = Limits::kLogprobs,
      .help = "Log-probabilities of each token and of this many of the likeliest."},
     store<&Body::logprobs>},
    {{.name = "best_of",
      .type = kInteger,
      .nullable = true,
      .min = 1,
      .max = Limits::kChoices,
      .help = "Generate this many answers and return the n likeliest."},
     store<&Body::best_of>},
};

}  // namespace

std::span<const Field<CompletionBody>> completion_fields() {
  return kFields;
}

std::vector<FieldSpec> completion_specs() {
  std::vector<FieldSpec> specs = specs_of(completion_fields());
  const std::vector<FieldSpec> shared = specs_of(generation_fields());
  specs.insert(specs.end(), shared.begin(), shared.end());
  return specs;
}

Result<CompletionBody> read_completion(const json::object& object) {
  CompletionBody body;
  CHASQUI_TRY_STATUS(read_fields<GenerationBody>(object, generation_fields(), body));
  CHASQUI_TRY_STATUS(read_fields<CompletionBody>(object, completion_fields(), body));
  // Clients that know the old default (1, without effect) send it together with n.
  if (body.best_of == 1) body.best_of.reset();
  const int64_t best_of = body.best_of.value_or(body.n);
  if (best_of < body.n) {
    return bad_field("best_of", fmt::format("must be at least n ({}), but is {}", body.n, best_of));
  }
  if (body.stream && best_of > body.n) {
    return bad_field("best_of", "cannot choose among answers that are streamed; it must equal n");
  }
  const size_t sequences = body.prompts.size() * static_cast<size_t>(best_of);
  if (sequences > Limits::kSequences) {
    return bad_field("n", fmt::format("times the number of prompts may be at most {}, but is {}",
                                      Limits::kSequences, sequences));
  }
  const size_t shown = body.prompts.size() * static_cast<size_t>(body.n);
  if (body.suffix.size() > Limits::kSuffixBytes / shown) {
    return bad_field("suffix", fmt::format("times the number of answers may have at most {} bytes",
                                           Limits::kSuffixBytes));
  }
  // Null is no limit, as in the replaced server; only where the field is absent it has its default.
  const json::value* limit = object.if_contains("max_tokens");
  if (body.max_tokens == 0 || (limit != nullptr && limit->is_null())) body.max_tokens.reset();
  return body;
}

}  // namespace chasqui::api
