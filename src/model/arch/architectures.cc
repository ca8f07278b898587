#include <algorithm>
#include <array>

#include "model/arch/architecture.h"
#include "model/arch/list.h"

namespace chasqui::model {

std::span<const Architecture* const> architectures() {
  static constexpr std::array kAll = {
      &kAfmoe,        &kArcee,        &kBaichuan,   &kBailingMoe, &kBailingMoe2, &kBert,
      &kChatglm,      &kCodeshell,    &kCohere2,    &kCommandR,   &kDeepseek,    &kDeepseek2,
      &kDots1,        &kErnie45,      &kErnie45Moe, &kExaone,     &kExaone4,     &kExaoneMoe,
      &kFalcon,       &kGemma,        &kGemma2,     &kGemma3,     &kGemma4,      &kGemmaEmbedding,
      &kGlm4,         &kGlm4Moe,      &kGpt2,       &kGptNeox,    &kGptOss,      &kGranite,
      &kGraniteMoe,   &kHunyuanDense, &kHunyuanMoe, &kInternlm2,  &kLfm2,        &kLlama,
      &kLlama4,       &kMaincoder,    &kMellum,     &kMinicpm,    &kMinicpm3,    &kMinimaxM2,
      &kMistral3,     &kMistral4,     &kModernBert, &kNemotron,   &kNomicBert,   &kOlmo2,
      &kOlmoe,        &kOrion,        &kPangu,      &kPhi2,       &kPhi3,        &kPhiMoe,
      &kQwen,         &kQwen2,        &kQwen2Moe,   &kQwen2Vl,    &kQwen3,       &kQwen35,
      &kQwen35Moe,    &kQwen3Moe,     &kQwen3Next,  &kQwen3Vl,    &kQwen3VlMoe,  &kSeedOss,
      &kSmallthinker, &kSmollm3,      &kStablelm,   &kStarcoder,  &kStarcoder2,  &kXverse,
  };
  return kAll;
}

const Architecture* find_architecture(std::string_view name) {
  for (const Architecture* architecture : architectures()) {
    if (architecture->name == name) return architecture;
  }
  return nullptr;
}

std::string architecture_names() {
  std::string names;
  for (const Architecture* architecture : architectures()) {
    if (!names.empty()) names += ", ";
    names += architecture->name;
  }
  return names;
}

}  // namespace chasqui::model
