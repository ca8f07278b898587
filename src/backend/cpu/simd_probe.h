// Lets simd_test.cc call the vector functions of one level on arrays. Test code only.
#pragma once

#include <stdint.h>

namespace chasqui::backend::cpu {

// out = f(a, b, c) over 16 lanes; which lanes and types count is the operation's matter.
struct SimdProbe {
  const char* name;
  void (*run)(const void* a, const void* b, const void* c, int n, void* out);
};

struct SimdProbes {
  const SimdProbe* begin;
  int count;
};

}  // namespace chasqui::backend::cpu
