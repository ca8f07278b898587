// The lists by which linear and expert_linear describe their work to multiply() (product.h). They
// live in the CpuContext so that their memory is reused from call to call.
#pragma once

#include <cstdint>
#include <vector>

namespace chasqui::backend::cpu {

class MatrixWeight;

// Rows [begin, begin + count) meet the matrix of `expert`.
struct RowGroup {
  int64_t expert = 0;
  int64_t begin = 0;
  int64_t count = 0;  // 1 .. kMaxGroupRows
};

struct ProductTarget {
  const MatrixWeight* weight = nullptr;
  const float* bias = nullptr;  // optional, [experts, rows]
  float* const* y = nullptr;    // [rows of x]: where each result row goes
};

// A piece of the parallel loops.
struct ProductTask {
  int32_t target = 0;
  int32_t group = 0;
  int64_t begin = 0;  // panels, or rows to quantise
  int64_t end = 0;
};

struct ProductLists {
  std::vector<const float*> x;
  std::vector<float*> y;
  std::vector<RowGroup> groups;
  std::vector<ProductTarget> targets;
  std::vector<ProductTask> tasks;
  std::vector<int64_t> counts;  // expert_linear: where each expert's slots begin
  std::vector<int64_t> slots;   // expert_linear: slots ordered by expert

  // Appends rows [begin, begin + count) of an expert as groups of nearly equal size: a last group
  // of a few rows would unpack every weight for little.
  void add_groups(int64_t expert, int64_t begin, int64_t count, int64_t most) {
    if (count == 0) return;
    const int64_t parts = (count + most - 1) / most;
    // A multiple of 6, the widest block of tokens, where more than one group follows.
    const int64_t step = parts == 1 ? count : ((count + parts - 1) / parts + 5) / 6 * 6;
    for (int64_t r = 0; r < count; r += step) {
      groups.push_back({expert, begin + r, r + step < count ? step : count - r});
    }
  }

  void clear() {
    x.clear();
    y.clear();
    groups.clear();
    targets.clear();
  }
};

}  // namespace chasqui::backend::cpu
