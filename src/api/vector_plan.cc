#include "api/internal/vector_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "api/internal/plan.h"
#include "api/internal/rerank_frame.h"

namespace chasqui::api {
namespace {

// Most tokens of a text, and the setting that says so.
struct TextLimit {
  int64_t tokens = 0;
  std::string_view setting;
};

TextLimit text_limit(const ModelContext& context) {
  const engine::EngineOptions& options = context.model().engine->options();
  if (context.model().causal || options.n_ctx <= options.max_batch_tokens) {
    return {options.n_ctx, "n_ctx"};
  }
  return {options.max_batch_tokens, "n_batch"};
}

Error too_long(const TextLimit& limit, std::string_view amount, int64_t tokens, std::string path) {
  const bool is_query = path == "query";  // which is never cut
  return {
      ErrorCode::kContextLength,
      fmt::format("This model's maximum context length is {} tokens (setting {}), but this "
                  "text has {}{}. Please shorten it{}.",
                  limit.tokens, limit.setting, amount, tokens, is_query ? "" : ", or set truncate"),
      std::move(path)};
}

// A text that no tokenizer could make short enough is refused before it is tokenised (plan.cc has
// the same rule), or cut where that is wanted. Leaves whole characters.
Result<std::string_view> bounded(const ModelContext& context, std::string_view text,
                                 const TextLimit& limit, bool truncate, const std::string& path) {
  const auto most = static_cast<size_t>(limit.tokens) * bytes_of_token(context);
  if (text.size() <= most) return text;
  if (!truncate) {
    const auto least = static_cast<int64_t>(text.size() / bytes_of_token(context));
    return fail(too_long(limit, "at least ", least, path));
  }
  size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

// Cuts `tokens` before what the tokenizer put behind the text.
void truncate_text(const text::Vocab& vocab, int64_t most, std::vector<int32_t>& tokens) {
  const text::SpecialTokens& special = vocab.special();
  const auto excess = static_cast<std::ptrdiff_t>(tokens.size()) - most;
  if (excess <= 0) return;
  const bool framed = most > 1 && (special.add_eos || special.add_sep) &&
                      vocab.kind(tokens.back()) == text::TokenKind::kControl;
  const auto end = tokens.end() - (framed ? 1 : 0);
  tokens.erase(end - excess, end);
}

engine::Request vector_request(const ServedModel& model, engine::RequestKind kind,
                               std::vector<int32_t> tokens) {
  engine::Request request;
  request.kind = kind;
  request.prompt = std::move(tokens);
  request.max_tokens = 0;
  request.pooling = model.pooling;
  return request;
}

Result<std::vector<int32_t>> plan_input(const ModelContext& context, const Input& input,
                                        bool truncate, const std::string& path) {
  const TextLimit limit = text_limit(context);
  const text::Tokenizer& tokenizer = *context.model().tokenizer;
  std::vector<int32_t> tokens;
  if (input.is_tokens) {
    CHASQUI_TRY(tokens, check_tokens(tokenizer.vocab(), input.tokens, path));
  } else {
    CHASQUI_TRY(const std::string_view text, bounded(context, input.text, limit, truncate, path));
    tokens = tokenizer.encode(text, {});
  }
  if (tokens.empty()) return bad_field(path, "must not be empty: it holds no token");
  const auto length = static_cast<int64_t>(tokens.size());
  if (length > limit.tokens && !truncate) return fail(too_long(limit, "", length, path));
  truncate_text(tokenizer.vocab(), limit.tokens, tokens);
  return tokens;
}

Status check_allowed(const ServedModel& model, bool ranks) {
  if (!model.embeddings) {
    return fail(ErrorCode::kUnsupported,
                "This server was started without embeddings (setting embedding)");
  }
  if (model.ranks == ranks) return {};
  return fail(ErrorCode::kUnsupported,
              ranks ? "This model does not rank documents: its pooling is not rank (setting "
                      "pooling_type)"
                    : "This model ranks documents (pooling rank): ask /v1/rerank, or start the "
                      "server with another pooling_type");
}

}  // namespace

Result<std::vector<engine::Request>> plan_embedding(const ModelContext& context,
                                                    const EmbeddingBody& body) {
  const ServedModel& model = context.model();
  CHASQUI_TRY_STATUS(check_allowed(model, false));
  if (body.dimensions && *body.dimensions > model.embedding_size) {
    return bad_field("dimensions", fmt::format("must be at most {}, the length of this model's "
                                               "embeddings, but is {}",
                                               model.embedding_size, *body.dimensions));
  }
  std::vector<engine::Request> requests;
  for (size_t i = 0; i < body.inputs.size(); ++i) {
    const std::string path = body.inputs.size() == 1 ? "input" : fmt::format("input[{}]", i);
    CHASQUI_TRY(auto tokens, plan_input(context, body.inputs[i], body.truncate, path));
    requests.push_back(vector_request(model, engine::RequestKind::kEmbed, std::move(tokens)));
  }
  return requests;
}

Result<std::vector<engine::Request>> plan_rerank(const ModelContext& context,
                                                 const RerankBody& body) {
  const ServedModel& model = context.model();
  CHASQUI_TRY_STATUS(check_allowed(model, true));
  const TextLimit limit = text_limit(context);
  CHASQUI_TRY_STATUS(bounded(context, body.query, limit, false, "query"));
  CHASQUI_TRY(const RerankFrame frame, RerankFrame::make(context, body.query));
  std::vector<engine::Request> requests;
  int64_t total = 0;
  for (size_t i = 0; i < body.documents.size(); ++i) {
    const std::string path = fmt::format("documents[{}]", i);
    CHASQUI_TRY(const std::string_view document,
                bounded(context, body.documents[i], limit, body.truncate, path));
    std::vector<int32_t> tokens = frame.tokens(document);
    if (static_cast<int64_t>(tokens.size()) > limit.tokens) {
      if (!body.truncate) {
        return fail(too_long(limit, "with the query ", static_cast<int64_t>(tokens.size()), path));
      }
      CHASQUI_TRY(tokens, frame.shortened(document, limit.tokens));
    }
    total += static_cast<int64_t>(tokens.size());
    if (total > Limits::kRerankTokens) {
      return bad_field("documents", fmt::format("make more than {} tokens, each with the query: "
                                                "send them in several requests",
                                                Limits::kRerankTokens));
    }
    requests.push_back(vector_request(model, engine::RequestKind::kRank, std::move(tokens)));
  }
  return requests;
}

}  // namespace chasqui::api
