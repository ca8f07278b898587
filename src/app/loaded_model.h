// From a path to everything that computing with a model takes: the file, its tokenizer, a backend
// and the model on it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "app/settings.h"
#include "backend/backend.h"
#include "base/hash.h"
#include "base/result.h"
#include "gguf/file.h"
#include "model/model.h"
#include "text/tokenizer.h"

namespace chasqui::app {

// Members are destroyed in reverse: each one uses those before it.
struct LoadedModel {
  std::unique_ptr<gguf::File> file;
  std::shared_ptr<const text::Tokenizer> tokenizer;  // null where it was not asked for
  std::unique_ptr<backend::Backend> backend;
  std::unique_ptr<model::Model> model;
  Hash128
      tensor_samples;  // with the setting `cache`: what cache_fingerprint() takes of the tensors
  double load_seconds = 0;  // from opening the file to weights that are ready
};

struct LoadRequest {
  std::string path;
  bool with_tokenizer = true;
  int64_t max_rows = 512;
  int64_t max_logit_rows = 64;
  // Rows that a model needs at least; may be empty.
  std::function<int64_t(const model::ModelSpec&)> least_rows = {};
  // Puts another backend around the one that computes; may be empty.
  std::function<std::unique_ptr<backend::Backend>(std::unique_ptr<backend::Backend>)> wrap = {};
};

// Loads with a progress bar. Errors name the file.
Result<LoadedModel> load_model(const LoadRequest& request, const Settings& settings);

// Types of the cache as the settings say; f32 in exact mode.
model::CacheOptions cache_types(const Settings& settings);

// Identifies the content of a model file well enough to name its repacked weights: path, size,
// time of change and the header's bytes.
std::string model_fingerprint(const gguf::File& file);

}  // namespace chasqui::app
