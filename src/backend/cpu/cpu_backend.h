// The CPU backend: ops of backend.h on cores, in SIMD kernels written once over a 16-lane vector
// type and compiled for each instruction-set level; the best level that the machine has is chosen
// at run time.
//
// All levels add in the same order with fused multiply-adds, so a linear op gives the same bits on
// every level. Threads: see Backend; the team's threads are the only ones it creates.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backend/backend.h"
#include "base/result.h"

namespace chasqui::backend::cpu {

struct IsaLevel {
  std::string_view name;         // "scalar", "avx2", "avx512"
  std::string_view description;  // "AVX-512 F/BW/VL/DQ with VNNI and BF16"
  bool supported = false;        // by this machine
};

// All levels of this build, slowest first.
std::vector<IsaLevel> isa_levels();

struct CpuOptions {
  int threads = 0;              // 0: one for each core that we may use (placement.h)
  std::string isa = "";         // "": the best; else a name of isa_levels()
  bool exact = false;           // f32 activations whatever the weights are, weights not repacked
  bool pack_weights = true;     // false: compute from the mapped file, slower, less memory
  std::string pack_cache = "";  // folder for repacked weights, "" = keep them in memory only
  std::string model_key = "";   // fingerprint of the model file; names the cache entry
  bool pin_threads = false;     // bind threads to processors
  bool numa = false;  // spread threads and memory over NUMA nodes, where there are several
};

// kInvalidArgument when `isa` is no level, kUnsupported when this machine lacks it.
Result<std::unique_ptr<Backend>> make_cpu_backend(const CpuOptions& options);

// Threads that a backend has for CpuOptions::threads = 0.
int default_threads();

// What this machine can do at most with `threads` threads (0: as in CpuOptions); measured, takes
// about `seconds` each.
struct MachineLimits {
  double read_gb_per_s = 0;    // streaming reads of memory much larger than the caches
  double int8_gmac_per_s = 0;  // u8 x s8 dot products (vpdpbusd, or vpmaddubsw without VNNI)
  double f32_gmac_per_s = 0;   // fused multiply-adds
  double bf16_gmac_per_s = 0;  // vdpbf16ps; 0 where the level has none
};
Result<MachineLimits> measure_limits(int threads, std::string_view isa, double seconds);

}  // namespace chasqui::backend::cpu
