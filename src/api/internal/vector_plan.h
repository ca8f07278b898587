// Bodies of embedding and rerank requests to engine requests: texts tokenised and framed as the
// model wants them, ids checked, lengths fitted. Runs on the preparation pool.
#pragma once

#include <vector>

#include "api/internal/requests.h"
#include "api/service.h"
#include "engine/request.h"

namespace chasqui::api {

// One request an input, or a document, in their order; without sinks. Errors: kInvalidArgument and
// kContextLength naming the field ("input[3]", "documents[0]", "query"), kUnsupported where the
// model, or the server's settings, have no such answers.
Result<std::vector<engine::Request>> plan_embedding(const ModelContext& context,
                                                    const EmbeddingBody& body);
Result<std::vector<engine::Request>> plan_rerank(const ModelContext& context,
                                                 const RerankBody& body);

}  // namespace chasqui::api
