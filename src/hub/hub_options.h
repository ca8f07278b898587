// Where the hub is, who asks it and where files go: as the hub's own tools read it from the
// environment, so that a machine that is set up for them is set up for us.
// https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"

namespace chasqui::hub {

struct HubOptions {
  std::string endpoint = "https://huggingface.co";  // HF_ENDPOINT; no slash at the end
  // HF_TOKEN, HUGGING_FACE_HUB_TOKEN, or the file that HF_TOKEN_PATH names ($HF_HOME/token); "":
  // none. It goes to the endpoint alone, and unencrypted only to this machine.
  std::string token;
  // HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, $HF_HOME/hub; HF_HOME is ~/.cache/huggingface by default.
  std::string cache_folder;
  bool offline = false;  // HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE

  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds answer_timeout{30'000};  // from the request to the end of its headers
  std::chrono::milliseconds chunk_timeout{30'000};   // for each 64 KiB of a body: a minimum rate

  // Of what may pass: no connection, a cut body, 408, 429, 5xx. The pause doubles each time, from
  // `first_pause` on; Retry-After goes before it, up to `longest_pause`.
  int retries = 5;
  std::chrono::milliseconds first_pause{1'000};
  std::chrono::milliseconds longest_pause{60'000};

  size_t max_listing_bytes = 64u << 20;  // a repository of 100,000 files has about 30 MB
};

// Looks up an environment variable.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

// kInvalidArgument names the variable: an endpoint that is no http or https URL, a token that
// cannot be one, no folder to keep files in.
Result<HubOptions> options_from_environment(const Environment& environment);

}  // namespace chasqui::hub
