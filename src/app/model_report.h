// What `chasqui inspect` says of a model in a few lines: what it is, and what running it takes on
// this machine.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <string>

#include "app/settings.h"
#include "base/result.h"
#include "gguf/file.h"
#include "model/model_spec.h"

namespace chasqui::app {

// What the model would take while it serves, and what of that this machine has.
struct RunningMemory {
  uint64_t file_bytes = 0;            // of all tensors, as in the file
  uint64_t weight_bytes = 0;          // as they are kept: rearranged where the settings say so
  uint64_t activation_bytes = 0;      // about; for steps of n_batch tokens
  uint64_t windowed_cache_bytes = 0;  // of layers with sliding windows, for n_parallel requests
  uint64_t free_bytes = 0;            // that this process may still take, see free_memory_bytes()
  int64_t tokens_that_fit = 0;        // cache tokens, in the types of the settings
  int64_t sequences_that_fit = 0;     // requests of `context` tokens side by side
  int64_t context = 0;                // n_ctx, at most what the model was trained with
};
RunningMemory running_memory(const gguf::File& file, const model::ModelSpec& spec,
                             const Settings& settings);

// Memory that is free or can be freed at once, within the limit of the cgroup.
uint64_t free_memory_bytes();

// The summary as text, each line indented and ended, or as an object. `spec`: as read_spec() gave
// it; the rest is said even of models that cannot run.
std::string report_text(const gguf::File& file, const Result<model::ModelSpec>& spec,
                        const Settings& settings);
boost::json::object report_json(const gguf::File& file, const Result<model::ModelSpec>& spec,
                                const Settings& settings);

}  // namespace chasqui::app
