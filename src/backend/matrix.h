// What ops work on. Conventions: ops.h.
#pragma once

#include <cstdint>

namespace chasqui::backend {

class Weight;
class KvPool;

// [rows, cols] f32; row r starts at data + r * stride.
struct Matrix {
  float* data = nullptr;
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t stride = 0;

  float* row(int64_t r) const { return data + r * stride; }
};

inline Matrix dense(float* data, int64_t rows, int64_t cols) {
  return {data, rows, cols, cols};
}

}  // namespace chasqui::backend
