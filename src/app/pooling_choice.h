// How a model's hidden states become the vectors and scores that the API gives.
#pragma once

#include <string>

#include "app/settings.h"
#include "base/result.h"
#include "engine/request.h"
#include "gguf/file.h"
#include "model/model.h"

namespace chasqui::app {

struct PoolingChoice {
  engine::Pooling rows = engine::Pooling::kLast;
  bool ranks = false;  // the vector goes through the model's ranking head
};

// The setting pooling_type, else what the file says (`{arch}.pooling_type`), else the last token of
// a decoder and the mean of an encoder. kInvalidArgument where it is rank and the file has no head.
Result<PoolingChoice> choose_pooling(const model::Model& model, const Settings& settings);

// The file's template for a query and a document (`tokenizer.chat_template.rerank`), "" if none.
Result<std::string> rerank_template(const gguf::File& file);

}  // namespace chasqui::app
