// Loops that reach what a core can do at most, for measure_limits().
#pragma once

#include <stdint.h>

namespace chasqui::backend::cpu {

// Each runs `rounds` rounds and returns something that depends on all of them.
struct LimitKernels {
  float (*int8)(int64_t rounds);
  float (*f32)(int64_t rounds);
  float (*bf16)(int64_t rounds);  // null where the level has no bf16 dot product; the caller
                                  // checks that the processor has it
  float (*read)(const void* from, int64_t bytes);  // REQUIRES: bytes % 512 == 0
  int int8_macs, f32_macs, bf16_macs;              // per round
};

}  // namespace chasqui::backend::cpu
