// Models from the Hugging Face hub into its cache folder, which the hub's other tools share.
//
// Nothing is downloaded twice: what the cache has is taken from there, and a download that was cut
// (Ctrl-C, network, power) goes on where it was. Bytes are checked against the hub's SHA-256 before
// a file gets its name. Where the hub cannot be reached, what the cache has of the model will do.
// Protocol: https://huggingface.co/docs/hub/api, https://huggingface.co/docs/huggingface_hub
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "hub/hub_options.h"
#include "hub/reference.h"

namespace chasqui::hub {

struct PullHooks {
  std::function<void(double done)> progress;     // 0 to 1 of all bytes
  std::function<void(const std::string&)> note;  // sentences for the user
  std::function<bool()> stop;                    // true: end soon, with kCancelled
};

struct PulledModel {
  std::string path;                // of its first part
  std::vector<std::string> files;  // names in the repository, in the order of parts
  std::string commit;
  uint64_t bytes = 0;       // of all files
  uint64_t downloaded = 0;  // that were not there before
};

// Blocks. Any thread; several pulls, in several processes, may run at once. Errors:
//   kInvalidArgument    the reference, or one that fits several models
//   kNotFound           no such repository, revision, file or quantisation, or no right to read it
//   kCorrupt            a checksum, a list or a file name that must not be believed
//   kResourceExhausted  the hub was not to be reached, or the disk has no room
//   kIo, kCancelled     the disk, TLS; hooks.stop
Result<PulledModel> pull(const ModelReference& reference, const HubOptions& options,
                         const PullHooks& hooks);

}  // namespace chasqui::hub
