// What a user can set, from one table: each row gives the command-line flag (--n_ctx or --n-ctx),
// the environment variable (CHASQUI_N_CTX, else N_CTX, in any case), the key in the config file,
// the bounds, the default and the help text. `--help`, docs/configuration.md and the JSON schema of
// the config file come from it too (settings_docs.h).
//
// Precedence: command line, CHASQUI_ variable, plain variable, config file, default. HOST and PORT
// in the environment go before the command line, in these letters only: the replaced server read
// every variable in any case below its command line (pydantic-settings), and then asked for HOST
// and PORT once more, by os.getenv(). A plain variable that is empty counts as not set: its name
// may be somebody else's, and scripts pass on what they do not have. A CHASQUI_ one is meant.
//
// Names and defaults are those of the server that chasqui replaces, where it has them. Its settings
// that mean nothing here, or nothing yet, are rows as well: whoever sets one is told so.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace chasqui::app {

struct Settings {
  std::string model;
  std::string model_alias;
  std::string config_file;

  std::string host;
  int64_t port = 0;
  int64_t io_threads = 0;
  int64_t max_connections = 0;
  int64_t max_body_bytes = 0;
  std::vector<std::string> cors_origins;
  bool check_host = false;
  std::vector<std::string> host_names;
  bool disable_ping_events = false;
  int64_t drain_seconds = 0;
  std::string root_path;
  std::string ssl_keyfile;
  std::string ssl_certfile;
  std::vector<std::string> api_key;
  std::string api_key_file;
  std::vector<std::string> open_paths;
  bool interrupt_requests = false;
  int64_t seed = 0;
  int64_t last_n_tokens_size = 0;
  bool embedding = false;
  std::string pooling_type;

  int64_t n_ctx = 0;
  int64_t n_batch = 0;
  int64_t n_threads = 0;
  int64_t n_threads_batch = 0;
  int64_t n_ubatch = 0;
  int64_t n_parallel = 0;
  int64_t n_queue = 0;
  int64_t prefill_chunk = 0;
  int64_t kv_tokens = 0;
  std::string type_k;
  std::string type_v;
  bool prefix_cache = false;
  std::string chat_format;
  std::string chat_template_kwargs;

  std::string cpu_isa;
  bool exact = false;
  bool pack_weights = false;
  std::string pack_cache;
  bool pin_threads = false;
  bool use_mmap = false;
  bool use_mlock = false;
  bool numa = false;

  int64_t rope_scaling_type = 0;
  double rope_freq_base = 0;
  double rope_freq_scale = 0;
  double yarn_ext_factor = 0;
  double yarn_attn_factor = 0;
  double yarn_beta_fast = 0;
  double yarn_beta_slow = 0;
  int64_t yarn_orig_ctx = 0;

  int64_t n_gpu_layers = 0;
  int64_t split_mode = 0;
  int64_t main_gpu = 0;
  std::vector<double> tensor_split;
  bool mul_mat_q = false;
  bool offload_kqv = false;
  bool flash_attn = false;
  std::string rpc_servers;
  bool vocab_only = false;
  bool logits_all = false;
  std::vector<std::string> kv_overrides;
  std::string lora_base;
  std::string lora_path;
  std::string clip_model_path;
  bool cache = false;
  std::string cache_type;
  int64_t cache_size = 0;
  std::string cache_dir;
  std::string draft_model;
  int64_t draft_model_num_pred_tokens = 0;
  std::string hf_model_repo_id;
  std::string hf_tokenizer_config_path;
  std::string hf_pretrained_model_name_or_path;

  bool verbose = false;
};

// What happens to a value other than the default. kWarns and kRefuses are for what this build
// cannot do: the first where answers stay right without it, the second where they would not.
enum class Effect { kFull, kWarns, kRefuses };

struct Setting {
  using Field = std::variant<std::string Settings::*, int64_t Settings::*, double Settings::*,
                             bool Settings::*, std::vector<std::string> Settings::*,
                             std::vector<double> Settings::*>;
  std::string_view name;
  Field field;
  std::string_view default_text;  // parsed like a user's value
  std::string_view help;          // one sentence, lower case, no full stop
  double min = 0;                 // of numbers, inclusive; of texts 1: not empty
  double max = 0;
  std::vector<std::string_view> choices = {};  // strings only; empty: anything goes
  // Other spellings of choices (what, meaning), for values that were numbers.
  std::vector<std::pair<std::string_view, std::string_view>> aliases = {};
  bool is_json = false;    // of texts: a JSON object, which a file may give as it is; or empty
  bool of_server = false;  // of the process: not in an entry of "models"
  // of_server, but entries of old config files have it: passed over, and the user is told.
  bool entries_may_have_it = false;
  bool environment_first = false;  // its plain variable wins over the command line
  Effect effect = Effect::kFull;
  std::string_view reason = {};  // why it has no effect: one sentence, lower case, no full stop
};

// What a model is called in /v1/models: model_alias, model or hf_model_repo_id, the first that is
// not empty.
const std::string& model_id(const Settings& settings);

// Every setting, in the order of --help.
std::span<const Setting> settings_table();
const Setting* find_setting(std::string_view name);

// All rows at their defaults.
Settings default_settings();

// Sets one row from text. kInvalidArgument names the setting, the value and what is allowed;
// `param` is the name. Booleans: 1 on t true y yes / 0 off f false n no, in any case. Lists: values
// separated by commas, or a JSON array.
Status set_from_text(const Setting& setting, std::string_view text, Settings& settings);

// "an integer from 1 to 4096", "one of f16, f32", "a text", ...
std::string allowed_values(const Setting& setting);

// Values given on the command line: (name, text), names known.
using GivenValues = std::vector<std::pair<std::string, std::string>>;
// Environment variables by name.
using Environment = std::map<std::string, std::string, std::less<>>;

// What a server runs with: the settings of the process, and those of each model. Without "models"
// in the config file that is one model with the same settings.
struct Configuration {
  Settings settings;
  std::vector<Settings> models;    // not empty; names differ when there are several
  std::vector<std::string> notes;  // sentences for the log: what was given and does not count
};

// Applies all sources in order of precedence. Errors name the source too ("N_CTX in the
// environment", "config.json"). What the file says of one model lies above what it says of all.
Result<Configuration> resolve_configuration(const GivenValues& command_line,
                                            const Environment& environment);
// The process's settings alone, for commands that have one model.
Result<Settings> resolve_settings(const GivenValues& command_line, const Environment& environment);

// What `settings` asks for and this build cannot do: a sentence for each warning; kUnsupported for
// the first that must not be passed over.
Result<std::vector<std::string>> check_effects(const Settings& settings);

// The process's own variables.
Environment process_environment();

}  // namespace chasqui::app
