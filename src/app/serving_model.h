// A loaded model as the engine runs it, with its cache sized for serving.
#pragma once

#include <cstdint>
#include <memory>

#include "api/service.h"
#include "app/loaded_model.h"
#include "app/settings.h"
#include "base/result.h"
#include "engine/engine.h"

namespace chasqui::app {

// What of a ServedModel follows from settings and path alone.
api::ServedModel describe_model(const std::string& path, const Settings& settings);

// Everything about one model that serves: what `api::Service` takes, with the engine running.
// Errors name the setting or file at fault. The engine owns the model.
// With vocab_only see vocabulary_model.h.
Result<api::ServedModel> start_serving(const std::string& path, const Settings& settings);

}  // namespace chasqui::app
