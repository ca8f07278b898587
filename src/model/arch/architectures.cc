#include <algorithm>
#include <array>

#include "model/arch/architecture.h"

namespace chasqui::model {

std::span<const Architecture* const> architectures() {
  static const std::array kAll = {
      &llama_architecture(),
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
