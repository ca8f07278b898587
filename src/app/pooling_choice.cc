#include "app/pooling_choice.h"

#include <array>
#include <string_view>

namespace chasqui::app {
namespace {

using model::Pooling;

struct Name {
  std::string_view text;  // value of the setting
  Pooling pooling;
};
constexpr std::array kNames = {Name{"mean", Pooling::kMean}, Name{"cls", Pooling::kFirst},
                               Name{"last", Pooling::kLast}, Name{"rank", Pooling::kRank}};

Pooling pooling_of(const model::ModelSpec& spec, const Settings& settings) {
  for (const Name& name : kNames) {
    if (name.text == settings.pooling_type) return name.pooling;
  }
  if (spec.pooling != Pooling::kUnspecified && spec.pooling != Pooling::kNone) return spec.pooling;
  return spec.causal ? Pooling::kLast : Pooling::kMean;
}

engine::Pooling rows_of(Pooling pooling) {
  if (pooling == Pooling::kMean) return engine::Pooling::kMean;
  return pooling == Pooling::kFirst ? engine::Pooling::kFirst : engine::Pooling::kLast;
}

}  // namespace

Result<PoolingChoice> choose_pooling(const model::Model& model, const Settings& settings) {
  const model::ModelSpec& spec = model.spec();
  const Pooling pooling = pooling_of(spec, settings);
  if (pooling != Pooling::kRank) return PoolingChoice{rows_of(pooling), false};
  if (model.rank_outputs() == 0) {
    return fail(ErrorCode::kInvalidArgument,
                "the pooling is rank, but the model's file has no ranking head (cls.weight or "
                "cls.output.weight): set pooling_type to mean, cls or last",
                "pooling_type");
  }
  return PoolingChoice{rows_of(spec.rank_head.pooling), true};
}

Result<std::string> rerank_template(const gguf::File& file) {
  CHASQUI_TRY(const auto text, file.get_string("tokenizer.chat_template.rerank"));
  return std::string(text.value_or(""));
}

}  // namespace chasqui::app
