// A loaded model as an engine runs it.
#pragma once

#include <cstdint>
#include <memory>

#include "app/loaded_model.h"
#include "app/settings.h"
#include "base/result.h"
#include "engine/model_runner.h"

namespace chasqui::app {

// Takes the model over and gives it a cache of `cache_tokens`.
Result<std::unique_ptr<engine::ModelRunner>> make_runner(LoadedModel loaded, int64_t cache_tokens,
                                                         const Settings& settings);

}  // namespace chasqui::app
