// The second tier of the prefix cache as the settings ask for it (cache, cache_type, cache_size,
// cache_dir).
#pragma once

#include <string>

#include "app/loaded_model.h"
#include "app/settings.h"
#include "engine/engine.h"

namespace chasqui::app {

// No store where the settings want none or where it cannot be had: a cache that fails costs time
// only, so a server goes on without it and says why in its log.
engine::EngineTier open_cache_tier(const Settings& settings, const LoadedModel& loaded);

// Names, types, shapes and samples of the bytes of all tensors, which must all be there to be read.
Hash128 tensor_samples(const gguf::File& file);

// Names everything that the bytes of cached blocks depend on besides tokens: this very program,
// its instruction set, the settings that change numbers, and the model file. Of the file: length
// and time of change of its parts, the metadata, and for each tensor name, type, shape and samples
// of its bytes; not its path, so that a file may be moved.
Hash128 cache_fingerprint(const Settings& settings, const LoadedModel& loaded);

// The folder of a model under `cache_dir`, or under the user's cache folder where that is empty.
// Empty: there is neither.
std::string cache_folder(const Settings& settings, const std::string& model_path);

}  // namespace chasqui::app
