#include "api/internal/rerank_frame.h"

#include <fmt/format.h>

#include <algorithm>

#include "text/detokenizer.h"

namespace chasqui::api {
namespace {

constexpr text::EncodeOptions kBare{.add_special = false, .parse_special = false};

// The places of a template, which is plain text otherwise (`tokenizer.chat_template.rerank`).
constexpr std::string_view kQueryPlace = "{query}";
constexpr std::string_view kDocumentPlace = "{document}";

void add_token(text::TokenId id, std::vector<int32_t>& out) {
  if (id != text::kNoToken) out.push_back(id);
}

// Our words count as control tokens where they spell them, the caller's never.
std::vector<chat::PromptPart> filled(std::string_view words, std::string_view query,
                                     std::string_view document) {
  std::vector<chat::PromptPart> parts;
  while (!words.empty()) {
    const size_t at = std::min(words.find(kQueryPlace), words.find(kDocumentPlace));
    parts.push_back({std::string(words.substr(0, at)), true});
    if (at == std::string_view::npos) break;
    words.remove_prefix(at);
    const bool of_query = words.starts_with(kQueryPlace);
    parts.push_back({std::string(of_query ? query : document), false});
    words.remove_prefix(of_query ? kQueryPlace.size() : kDocumentPlace.size());
  }
  return parts;
}

}  // namespace

Result<RerankFrame> RerankFrame::make(const ModelContext& context, std::string_view query) {
  RerankFrame frame(context);
  if (context.model().rerank_template.empty()) {
    CHASQUI_TRY_STATUS(frame.frame_pair(query));
  } else {
    frame.query_ = query;
  }
  return frame;
}

// What models of pairs are trained on: BERT's [CLS] query [SEP] document [SEP], and RoBERTa's
// <s> query </s></s> document </s>, in which the end of a text and the separator are both asked
// for. A vocabulary that says nothing of either gets the one that it has.
Status RerankFrame::frame_pair(std::string_view query) {
  const text::Tokenizer& tokenizer = *context_->model().tokenizer;
  const text::SpecialTokens& special = tokenizer.vocab().special();
  const text::TokenId end = special.eos != text::kNoToken ? special.eos : special.sep;
  if (special.add_bos) add_token(special.bos, before_);
  const auto ids = tokenizer.encode(query, kBare);
  before_.insert(before_.end(), ids.begin(), ids.end());
  const size_t length = before_.size();
  if (special.add_eos) add_token(end, before_);
  if (special.add_sep) add_token(special.sep, before_);
  if (before_.size() == length) {
    add_token(special.sep != text::kNoToken ? special.sep : end, before_);
  }
  if (before_.size() == length) {
    return fail(ErrorCode::kUnsupported,
                "This model has neither a rerank template nor a token that separates two texts");
  }
  behind_ = {special.add_eos ? end : before_.back()};
  return {};
}

std::vector<int32_t> RerankFrame::document_tokens(std::string_view document) const {
  return context_->model().tokenizer->encode(document, kBare);
}

std::vector<int32_t> RerankFrame::templated(std::string_view document) const {
  return context_->encoder().encode(filled(context_->model().rerank_template, query_, document));
}

std::vector<int32_t> RerankFrame::tokens(std::string_view document) const {
  if (before_.empty()) return templated(document);
  std::vector<int32_t> out = before_;
  const auto ids = document_tokens(document);
  out.insert(out.end(), ids.begin(), ids.end());
  out.insert(out.end(), behind_.begin(), behind_.end());
  return out;
}

// Within a template the tokens of a text depend on its neighbours, so the text itself is cut, and
// once more while the border still costs tokens.
Result<std::vector<int32_t>> RerankFrame::shortened(std::string_view document, int64_t most) const {
  std::vector<int32_t> out = tokens(document);
  std::vector<int32_t> kept = document_tokens(document);
  const text::Tokenizer& tokenizer = *context_->model().tokenizer;
  while (static_cast<int64_t>(out.size()) > most) {
    const size_t excess = out.size() - static_cast<size_t>(most);
    if (excess >= kept.size()) {
      return fail(ErrorCode::kContextLength,
                  fmt::format("This model's maximum context length is {} tokens, of which the "
                              "query leaves none for documents. Please shorten it.",
                              most),
                  "query");
    }
    kept.resize(kept.size() - excess);
    if (before_.empty()) {
      out = templated(text::to_valid_utf8(tokenizer.decode(kept, {.clean_spaces = false})));
      continue;
    }
    out.erase(out.end() - static_cast<std::ptrdiff_t>(behind_.size() + excess),
              out.end() - static_cast<std::ptrdiff_t>(behind_.size()));
  }
  return out;
}

}  // namespace chasqui::api
