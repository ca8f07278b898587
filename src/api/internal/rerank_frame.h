// A query and a document as the one text that a ranking model reads: either in the words of the
// model's own template, or as a pair of texts between its separators. Immutable; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/service.h"
#include "base/result.h"

namespace chasqui::api {

class RerankFrame {
 public:
  // For one query. kUnsupported where the vocabulary has nothing to put between two texts.
  static Result<RerankFrame> make(const ModelContext& context, std::string_view query);

  // The tokens with `document` in its place. Control tokens that query or document spell are text.
  std::vector<int32_t> tokens(std::string_view document) const;

  // The same, with as many of the document's first tokens as `most` has room for; kContextLength
  // naming the query when there is room for none.
  Result<std::vector<int32_t>> shortened(std::string_view document, int64_t most) const;

 private:
  explicit RerankFrame(const ModelContext& context) : context_(&context) {}
  Status frame_pair(std::string_view query);
  std::vector<int32_t> document_tokens(std::string_view document) const;
  std::vector<int32_t> templated(std::string_view document) const;

  const ModelContext* context_;
  std::string query_;            // with a template
  std::vector<int32_t> before_;  // without: what stands before and behind the document
  std::vector<int32_t> behind_;
};

}  // namespace chasqui::api
