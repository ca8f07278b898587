// What the endpoints read from a request body, before anything is tokenised. Defaults are those of
// the server that chasqui replaces; each table of rows (fields of one request type) fills one of
// these structs. Values only.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "api/internal/constraint.h"
#include "api/internal/field.h"
#include "api/internal/tools.h"
#include "chat/message.h"
#include "jinja/template.h"
#include "sample/sampling_spec.h"

namespace chasqui::api {

// Caps that keep one request from costing what a thousand should: every list and count that a
// client sends has one (CVE-2026-34756 was an uncapped n).
struct Limits {
  static constexpr int kChoices = 128;    // n, best_of
  static constexpr int kPrompts = 128;    // prompts of one completion request
  static constexpr int kSequences = 256;  // prompts x best_of
  static constexpr int kInputs = 2048;    // of one embedding request; documents of a ranking
  static constexpr int64_t kRerankTokens = 1 << 22;  // of all documents, each with the query
  static constexpr int kStops = 128;
  static constexpr int kStopBytes = 1024;          // of one
  static constexpr size_t kStopsBytes = 16 << 10;  // of all; the automaton has a node for each
  static constexpr int kStopTokens = 128;
  static constexpr int kLogitBias = 1024;  // entries, and tokens that they stand for
  static constexpr int kLogitBiasKeyBytes = 256;
  static constexpr int kLogprobs = 20;
  static constexpr int64_t kLogprobEntries = 1 << 20;  // of several answers: about 100 MB of JSON
  static constexpr size_t kSuffixBytes = 4 << 20;      // suffix x choices, where it is shown
  static constexpr int kMessages = 16384;
  static constexpr int kContentParts = 1024;  // of one message
  static constexpr int kToolCalls = 128;      // of one message
  static constexpr size_t kTools = 128;       // tools or functions of a request
  static constexpr size_t kToolNameBytes = 64;
  static constexpr int kTemplateVariables = 64;  // chat_template_kwargs
  static constexpr int kModelNameBytes = 512;    // it is echoed in every chunk
};

// Fields that completion and chat share.
struct GenerationBody {
  std::optional<std::string> model;  // only echoed
  sample::SamplingSpec sampling;     // logit_bias is filled in when the vocabulary is at hand
  std::optional<int64_t> max_tokens;
  int64_t min_tokens = 0;
  bool ignore_eos = false;
  bool stream = false;
  bool include_usage = false;  // stream_options.include_usage
  int32_t n = 1;
  std::vector<std::string> stops;
  std::vector<int32_t> stop_token_ids;                     // not yet checked against the vocabulary
  std::vector<std::pair<std::string, double>> logit_bias;  // keys as sent
  bool logit_bias_by_text = false;                         // logit_bias_type "tokens"
  std::string user;
  Constraint constraint;  // of all fields that may give one; at most one does
};

// A prompt or an embedding input, as sent: text, or token ids (not yet checked).
struct Input {
  std::string text;
  std::vector<int64_t> tokens;
  bool is_tokens = false;
};

struct CompletionBody : GenerationBody {
  CompletionBody() { max_tokens = 16; }
  std::vector<Input> prompts = {Input{}};
  std::string suffix;
  bool echo = false;
  std::optional<int64_t> logprobs;
  std::optional<int64_t> best_of;  // none: n
};

struct ChatBody : GenerationBody {
  std::vector<chat::Message> messages;
  jinja::Variables template_variables;  // chat_template_kwargs
  bool logprobs = false;
  std::optional<int64_t> top_logprobs;
  std::optional<int64_t> max_completion_tokens;  // wins over max_tokens
  ToolWishes tools;
};

struct EmbeddingBody {
  std::optional<std::string> model;
  std::vector<Input> inputs;
  bool base64 = false;
  std::optional<int64_t> dimensions;
  bool truncate = false;
  std::string user;
};

struct RerankBody {
  std::optional<std::string> model;
  std::string query;
  std::vector<std::string> documents;
  std::optional<int64_t> top_n;
  bool return_documents = false;
  bool truncate = false;
  bool raw_scores = false;
};

// What whole requests may hold, for /openapi.json.
std::vector<FieldSpec> completion_specs();
std::vector<FieldSpec> chat_specs();
std::vector<FieldSpec> embedding_specs();
std::vector<FieldSpec> rerank_specs();
std::vector<FieldSpec> tokenize_specs();
std::vector<FieldSpec> detokenize_specs();

// The rows.
std::span<const Field<GenerationBody>> generation_fields();
std::span<const Field<CompletionBody>> completion_fields();
std::span<const Field<ChatBody>> chat_fields();
std::span<const Field<EmbeddingBody>> embedding_fields();
std::span<const Field<RerankBody>> rerank_fields();

// A setter: the name of a model, which has a bound because it is echoed.
template <typename Body>
Status store_model_name(Body& body, const boost::json::value& value, std::string_view path) {
  if (value.get_string().size() > Limits::kModelNameBytes) {
    return bad_field(path,
                     "must have at most " + std::to_string(Limits::kModelNameBytes) + " bytes");
  }
  return store<&Body::model>(body, value, path);
}

// Whole requests, with the rules that bind several fields. Errors are kInvalidArgument or
// kUnsupported and name the field.
Result<CompletionBody> read_completion(const boost::json::object& object);
Result<ChatBody> read_chat(const boost::json::object& object);
Result<EmbeddingBody> read_embedding(const boost::json::object& object);
Result<RerankBody> read_rerank(const boost::json::object& object);

// A prompt field: string, array of strings, array of token ids, or array of arrays of ids; at most
// `most` entries.
Result<std::vector<Input>> read_inputs(const boost::json::value& value, std::string_view path,
                                       size_t most);

// The messages of a chat.
Result<std::vector<chat::Message>> read_messages(const boost::json::array& array,
                                                 std::string_view path);

}  // namespace chasqui::api
