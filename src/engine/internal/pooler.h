// Hidden states of a prompt's rows to one vector. Rows are added in order of position, each once,
// in double precision, so the result does not depend on how the prompt was cut into steps.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/request.h"

namespace chasqui::engine {

class Pooler {
 public:
  explicit Pooler(Pooling pooling) : pooling_(pooling) {}

  // First position whose hidden state matters, in a prompt of `prompt` tokens.
  int64_t wanted_from(int64_t prompt) const { return pooling_ == Pooling::kLast ? prompt - 1 : 0; }

  void add_row(std::span<const float> hidden);  // [hidden]
  std::vector<float> result() const;            // [hidden]; not normalised

 private:
  Pooling pooling_;
  int64_t rows_ = 0;
  std::vector<double> sum_;
};

}  // namespace chasqui::engine
