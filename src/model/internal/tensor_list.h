// The rules of an architecture applied to one model: which tensors it has or may have, under which
// names and in which shapes.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "gguf/file.h"
#include "model/arch/architecture.h"
#include "model/internal/tensor_rules.h"
#include "model/model_spec.h"

namespace chasqui::model {

constexpr int64_t kAnySize = -1;  // in a shape

struct ExpectedTensor {
  const TensorRule* rule = nullptr;
  size_t layer = 0;  // 0 for tensors of the whole model
  std::string name;
  std::array<int64_t, 3> shape = {};
  bool may_be_absent = false;
};

// In the order of the layers, those of the whole model first. `file` decides which of two forms of
// a tensor is the one that may be absent.
std::vector<ExpectedTensor> expected_tensors(const gguf::File& file,
                                             const Architecture& architecture,
                                             const ModelSpec& spec);

// Whether the file has the tensor (or may lack it), in its shape and in a type that can be computed
// with. Errors name file and tensor, what was found and what was expected.
Status check_tensor(const gguf::File& file, const ModelSpec& spec, const ExpectedTensor& expected);

// All of them, up to the first error.
Status check_tensors(const gguf::File& file, const Architecture& architecture,
                     const ModelSpec& spec);

}  // namespace chasqui::model
