#include "app/model_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <optional>

#include "app/memory_plan.h"
#include "backend/cpu/pack.h"
#include "model/tensor_report.h"
#include "text/detokenizer.h"
#include "text/tokenizer.h"

namespace chasqui::app {
namespace {

namespace json = boost::json;

// Left to the system and to what is not counted here.
constexpr uint64_t kReserveBytes = uint64_t{256} << 20;
constexpr int64_t kLogitRows = 64;  // of a step, as a server has them at least
constexpr std::string_view kEmbedding = "token_embd.weight";
constexpr std::string_view kOutput = "output.weight";

// Tensors of one type.
struct TypeShare {
  size_t tensors = 0;
  uint64_t bytes = 0;
};

struct NamedToken {
  std::string_view name;
  text::TokenId text::SpecialTokens::*id;
};
constexpr std::array kSpecialTokens = {
    NamedToken{"bos", &text::SpecialTokens::bos},
    NamedToken{"eos", &text::SpecialTokens::eos},
    NamedToken{"eot", &text::SpecialTokens::eot},
    NamedToken{"eom", &text::SpecialTokens::eom},
    NamedToken{"unk", &text::SpecialTokens::unk},
    NamedToken{"sep", &text::SpecialTokens::sep},
    NamedToken{"pad", &text::SpecialTokens::pad},
    NamedToken{"mask", &text::SpecialTokens::mask},
    NamedToken{"fim_prefix", &text::SpecialTokens::fim_prefix},
    NamedToken{"fim_suffix", &text::SpecialTokens::fim_suffix},
    NamedToken{"fim_middle", &text::SpecialTokens::fim_middle},
};

uint64_t packed_size(const TensorView& view) {
  namespace cpu = backend::cpu;
  return static_cast<uint64_t>(
      cpu::packed_bytes(cpu::panel_shape(view.type, view.cols()), view.dims[1]) * view.dims[2]);
}

// The form in which a tensor is kept: matrices are rearranged, tables and vectors are not, and an
// embedding table that is the output matrix too is kept in both forms.
uint64_t kept_bytes(const gguf::File& file, const gguf::Tensor& tensor, const Settings& settings) {
  const uint64_t plain = tensor.view.bytes.size();
  const bool packs = settings.pack_weights && !settings.exact && tensor.view.dims[1] > 1 &&
                     backend::cpu::can_pack(tensor.view.type);
  if (!packs) return plain;
  if (tensor.name != kEmbedding) return packed_size(tensor.view);
  return file.find_tensor(kOutput) == nullptr ? plain + packed_size(tensor.view) : plain;
}

// A step's buffers in floats: the residual stream and three of its width, what attention and the
// feed-forward of the widest layer need, and logits.
uint64_t activation_bytes(const model::ModelSpec& spec, int64_t rows) {
  int64_t widest = 0;
  for (const model::LayerSpec& layer : spec.layers) {
    const int64_t used = layer.experts ? spec.experts.used : 1;
    widest = std::max(widest, layer.qkv_width() + layer.attention_width() + 2 * used * layer.ffn);
  }
  const int64_t row = 4 * spec.hidden + widest + spec.experts.used * spec.hidden;
  return static_cast<uint64_t>(rows * row + kLogitRows * spec.vocab) * sizeof(float);
}

// A number that stands alone in a file, or behind `key`; nullopt where there is none ("max").
std::optional<uint64_t> number_in(const char* path, std::string_view key = {}) {
  std::ifstream in(path);
  for (std::string word; in >> word;) {
    if (!key.empty() && word != key) continue;
    if (!key.empty() && !(in >> word)) return std::nullopt;
    if (word.find_first_not_of("0123456789") != word.npos || word.size() > 19) return std::nullopt;
    return std::stoull(word);
  }
  return std::nullopt;
}

std::map<std::string, TypeShare> types_of(const gguf::File& file) {
  std::map<std::string, TypeShare> types;
  for (const gguf::Tensor& tensor : file.tensors()) {
    TypeShare& share = types[std::string(dtype_info(tensor.view.type).name)];
    ++share.tensors;
    share.bytes += tensor.view.bytes.size();
  }
  return types;
}

// Cache bytes of 1,024 tokens in one type for keys and values.
uint64_t cache_bytes_per_1k(const gguf::File& file, const model::ModelSpec& spec,
                            const Settings& settings, const std::string& type) {
  Settings with = settings;
  with.type_k = type;
  with.type_v = type;
  return plan_memory(file, spec, with).kv_bytes_per_token * 1024;
}

std::string_view kind_name(text::VocabKind kind) {
  switch (kind) {
    case text::VocabKind::kSentencePiece:
      return "SentencePiece";
    case text::VocabKind::kBpe:
      return "byte-level BPE";
    case text::VocabKind::kWordPiece:
      return "WordPiece";
    case text::VocabKind::kUnigram:
      return "SentencePiece unigram";
    case text::VocabKind::kRwkv:
      return "RWKV";
    case text::VocabKind::kPlamo2:
      return "PLaMo 2";
  }
  return "another";
}

std::string text_or(const gguf::File& file, std::string_view key, std::string_view fallback) {
  const auto text = file.get_string(key);
  return text::to_valid_utf8(text && *text ? **text : fallback);
}

std::string tokenizer_text(const gguf::File& file) {
  const auto vocab = text::Vocab::load(file);
  if (!vocab) return fmt::format("not usable: {}", vocab.error().message);
  const text::SpecialTokens& special = vocab->special();
  std::string text = fmt::format("{}{}, {} tokens{}{}", kind_name(vocab->kind()),
                                 vocab->pre().empty() ? "" : " (" + vocab->pre() + ")",
                                 vocab->size(), special.add_bos ? ", begins with bos" : "",
                                 special.add_eos ? ", ends with eos" : "");
  for (const NamedToken& token : kSpecialTokens) {
    const text::TokenId id = special.*token.id;
    if (id == text::kNoToken) continue;
    text += fmt::format("; {} {} {}", token.name, id,
                        json::serialize(json::string(text::to_valid_utf8(vocab->text(id)))));
  }
  return text;
}

json::value tokenizer_json(const gguf::File& file) {
  const auto vocab = text::Vocab::load(file);
  if (!vocab) return json::object{{"error", vocab.error().message}};
  const text::SpecialTokens& special = vocab->special();
  json::object tokens;
  for (const NamedToken& token : kSpecialTokens) {
    const text::TokenId id = special.*token.id;
    if (id == text::kNoToken) continue;
    tokens[token.name] = {{"id", id}, {"text", text::to_valid_utf8(vocab->text(id))}};
  }
  return json::object{{"kind", kind_name(vocab->kind())}, {"pre", vocab->pre()},
                      {"tokens", vocab->size()},          {"add_bos", special.add_bos},
                      {"add_eos", special.add_eos},       {"special", std::move(tokens)}};
}

size_t template_bytes(const gguf::File& file) {
  const auto text = file.get_string("tokenizer.chat_template");
  return text && *text ? (*text)->size() : 0;
}

// What keeps the tensors from being loaded.
std::vector<std::string> problems_of(const gguf::File& file) {
  const auto report = model::report_tensors(file, "");
  return report ? report->problems : std::vector<std::string>{report.error().message};
}

std::string types_text(const gguf::File& file, uint64_t total) {
  std::vector<std::string> parts;
  for (const auto& [name, share] : types_of(file)) {
    parts.push_back(fmt::format("{} {} ({:.1f} %)", share.tensors, name,
                                100.0 * static_cast<double>(share.bytes) /
                                    static_cast<double>(std::max<uint64_t>(total, 1))));
  }
  return fmt::format("{}: {}", file.tensors().size(), fmt::join(parts, ", "));
}

std::string cache_text(const gguf::File& file, const model::ModelSpec& spec,
                       const Settings& settings) {
  std::vector<std::string> parts;
  for (const std::string_view type : find_setting("type_k")->choices) {
    parts.push_back(fmt::format(
        "{} {}", type, format_bytes(cache_bytes_per_1k(file, spec, settings, std::string(type)))));
  }
  return fmt::format("for 1,024 tokens: {}", fmt::join(parts, ", "));
}

}  // namespace

uint64_t free_memory_bytes() {
  uint64_t free = number_in("/proc/meminfo", "MemAvailable:").value_or(0) << 10;
  if (free == 0) free = machine_memory_bytes();
  const auto limit = number_in("/sys/fs/cgroup/memory.max");
  const auto used = number_in("/sys/fs/cgroup/memory.current");
  if (!limit || !used) return free;
  // What the cgroup uses for cached files is given up when something else needs it.
  const uint64_t cached = number_in("/sys/fs/cgroup/memory.stat", "inactive_file").value_or(0);
  const uint64_t held = *used > cached ? *used - cached : 0;
  return std::min(free, *limit > held ? *limit - held : 0);
}

RunningMemory running_memory(const gguf::File& file, const model::ModelSpec& spec,
                             const Settings& settings) {
  MemoryPlan plan = plan_memory(file, spec, settings);
  RunningMemory memory;
  memory.file_bytes = plan.weight_bytes;
  for (const gguf::Tensor& tensor : file.tensors()) {
    memory.weight_bytes += kept_bytes(file, tensor, settings);
  }
  memory.activation_bytes = activation_bytes(spec, settings.n_batch);
  memory.free_bytes = free_memory_bytes();
  memory.context =
      settings.n_ctx == 0 ? spec.context_length : std::min(settings.n_ctx, spec.context_length);
  add_windows(plan, spec, cache_tokens(plan, settings, memory.context), settings);
  memory.windowed_cache_bytes = plan.windowed_kv_bytes;
  const uint64_t taken = memory.weight_bytes + memory.activation_bytes + kReserveBytes +
                         memory.windowed_cache_bytes + plan.state_bytes;
  if (memory.free_bytes > taken && plan.kv_bytes_per_token > 0) {
    memory.tokens_that_fit =
        static_cast<int64_t>((memory.free_bytes - taken) / plan.kv_bytes_per_token);
    memory.sequences_that_fit = memory.tokens_that_fit / std::max<int64_t>(memory.context, 1);
  }
  return memory;
}

std::string report_text(const gguf::File& file, const Result<model::ModelSpec>& spec,
                        const Settings& settings) {
  uint64_t parameters = 0;
  uint64_t bytes = 0;
  for (const gguf::Tensor& tensor : file.tensors()) {
    parameters += static_cast<uint64_t>(tensor.view.elements());
    bytes += tensor.view.bytes.size();
  }
  std::string out;
  const auto line = [&out](std::string_view name, const std::string& text) {
    out += fmt::format("  {:<14} {}\n", name, text);
  };
  line("architecture",
       fmt::format("{}{}", text_or(file, "general.architecture", "none"),
                   spec ? fmt::format(", {} layers, hidden {}, trained with {} tokens of context",
                                      spec->layers.size(), spec->hidden, spec->context_length)
                        : ""));
  line("name", text_or(file, "general.name", "none"));
  line("parameters",
       fmt::format("{:.2f} M, {:.2f} bits each", static_cast<double>(parameters) / 1e6,
                   8.0 * static_cast<double>(bytes) /
                       static_cast<double>(std::max<uint64_t>(parameters, 1))));
  line("tensors", types_text(file, bytes));
  line("tokenizer", tokenizer_text(file));
  const size_t chat = template_bytes(file);
  line("chat template", chat == 0 ? "no" : fmt::format("yes, {} bytes", chat));
  if (!spec) {
    line("runnable", "no: " + spec.error().message);
    return out;
  }
  if (const std::vector<std::string> problems = problems_of(file); !problems.empty()) {
    line("runnable", fmt::format("no: {}{}", problems.front(),
                                 problems.size() == 1
                                     ? ""
                                     : fmt::format(" (and {} more: `chasqui check` lists them)",
                                                   problems.size() - 1)));
  }
  const RunningMemory memory = running_memory(file, *spec, settings);
  line("weights", fmt::format("{} in the file, {} as they are kept",
                              format_bytes(memory.file_bytes), format_bytes(memory.weight_bytes)));
  line("activations", fmt::format("about {} for steps of {} tokens",
                                  format_bytes(memory.activation_bytes), settings.n_batch));
  line("cache", cache_text(file, *spec, settings));
  if (memory.windowed_cache_bytes > 0) {
    line("windows", fmt::format("{} of cache for layers with sliding windows, for {} requests",
                                format_bytes(memory.windowed_cache_bytes), settings.n_parallel));
  }
  line("fits",
       fmt::format("{} of {} are free: {} cache tokens in {}/{}, which is {} requests of {} "
                   "tokens",
                   format_bytes(memory.free_bytes), format_bytes(machine_memory_bytes()),
                   memory.tokens_that_fit, settings.type_k, settings.type_v,
                   memory.sequences_that_fit, memory.context));
  return out;
}

json::object report_json(const gguf::File& file, const Result<model::ModelSpec>& spec,
                         const Settings& settings) {
  json::object types;
  for (const auto& [name, share] : types_of(file)) {
    types[name] = {{"tensors", share.tensors}, {"bytes", share.bytes}};
  }
  json::object report{{"architecture", text_or(file, "general.architecture", "")},
                      {"name", text_or(file, "general.name", "")},
                      {"types", std::move(types)},
                      {"tokenizer", tokenizer_json(file)},
                      {"chat_template_bytes", template_bytes(file)}};
  if (!spec) {
    report["unsupported"] = spec.error().message;
    return report;
  }
  const MemoryPlan plan = plan_memory(file, *spec, settings);
  const RunningMemory memory = running_memory(file, *spec, settings);
  json::object by_type;
  for (const std::string_view type : find_setting("type_k")->choices) {
    by_type[type] = cache_bytes_per_1k(file, *spec, settings, std::string(type));
  }
  report["problems"] = json::value_from(problems_of(file));
  report["layers"] = spec->layers.size();
  report["hidden"] = spec->hidden;
  report["context_length"] = spec->context_length;
  report["plan"] = {{"weight_bytes", plan.weight_bytes},
                    {"kept_weight_bytes", memory.weight_bytes},
                    {"activation_bytes", memory.activation_bytes},
                    {"parameters", plan.parameters},
                    {"kv_bytes_per_1k_tokens", plan.kv_bytes_per_token * 1024},
                    {"kv_bytes_per_1k_tokens_by_type", std::move(by_type)},
                    {"windowed_kv_bytes", memory.windowed_cache_bytes},
                    {"machine_bytes", plan.machine_bytes},
                    {"free_bytes", memory.free_bytes},
                    {"kv_tokens_that_fit", memory.tokens_that_fit},
                    {"context", memory.context},
                    {"requests_that_fit", memory.sequences_that_fit}};
  return report;
}

}  // namespace chasqui::app
