#include "sample/internal/sampler.h"

namespace chasqui::sample {
namespace {

constexpr std::string_view kLogitBias[] = {"logit_bias"};
constexpr std::string_view kPenalties[] = {"repeat_penalty", "frequency_penalty",
                                           "presence_penalty", "penalty_last_n",
                                           "penalize_newline"};
constexpr std::string_view kTemperature[] = {"temperature"};
constexpr std::string_view kMirostat[] = {"mirostat_mode", "mirostat_tau", "mirostat_eta",
                                          "temperature"};
constexpr std::string_view kTopK[] = {"top_k"};
constexpr std::string_view kTailFree[] = {"tfs_z"};
constexpr std::string_view kTypical[] = {"typical_p"};
constexpr std::string_view kTopP[] = {"top_p"};
constexpr std::string_view kMinP[] = {"min_p"};

// The order is that of the replaced server; a request's answer depends on it.
constexpr SamplerRow kRows[] = {
    {"logit_bias", kLogitBias, Stage::kBias, make_logit_bias},
    {"penalties", kPenalties, Stage::kLogits, make_penalties},
    {"grammar", {}, Stage::kLogits, make_grammar},
    {"greedy", kTemperature, Stage::kChoice, make_greedy},
    {"mirostat", kMirostat, Stage::kChoice, make_mirostat},
    {"mirostat_v2", kMirostat, Stage::kChoice, make_mirostat_v2},
    {"top_k", kTopK, Stage::kChoice, make_top_k},
    {"tail_free", kTailFree, Stage::kChoice, make_tail_free},
    {"typical", kTypical, Stage::kChoice, make_typical},
    {"top_p", kTopP, Stage::kChoice, make_top_p},
    {"min_p", kMinP, Stage::kChoice, make_min_p},
    {"temperature", kTemperature, Stage::kChoice, make_temperature},
};

}  // namespace

std::span<const SamplerRow> sampler_rows() {
  return kRows;
}

}  // namespace chasqui::sample
