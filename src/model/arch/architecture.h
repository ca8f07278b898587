// The list of model architectures. An architecture is a row: the name that files give it, the
// function that turns metadata into a ModelSpec, and the tensors that its layers have. Layer code
// reads the spec and the tensors that are there, never the name.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/internal/metadata.h"
#include "model/internal/tensor_rules.h"
#include "model/model_spec.h"

namespace chasqui::model {

struct Architecture {
  std::string_view name;  // `general.architecture`
  Result<ModelSpec> (*read_spec)(const Metadata& metadata);
  std::span<const TensorRule> tensors;
};

// All of them, ordered by name.
std::span<const Architecture* const> architectures();
const Architecture* find_architecture(std::string_view name);
// "llama, qwen2, ...", for the error about an unknown one.
std::string architecture_names();

}  // namespace chasqui::model
