#include <algorithm>
#include <array>

#include "model/arch/architecture.h"
#include "model/arch/list.h"

namespace chasqui::model {

std::span<const Architecture* const> architectures() {
  static constexpr std::array kAll = {
      &kCohere2,   &kCommandR, &kDeepseek2,  &kErnie45, &kExaone4,  &kFalcon,   &kGemma,
      &kGemma2,    &kGemma3,   &kGemma4,     &kGlm4,    &kGlm4Moe,  &kGpt2,     &kGptNeox,
      &kGptOss,    &kGranite,  &kGraniteMoe, &kLfm2,    &kLlama,    &kMistral3, &kOlmo2,
      &kOlmoe,     &kPhi2,     &kPhi3,       &kQwen2,   &kQwen2Moe, &kQwen3,    &kQwen35,
      &kQwen35Moe, &kQwen3Moe, &kQwen3Next,  &kSeedOss, &kSmollm3,  &kStablelm, &kStarcoder2,
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
