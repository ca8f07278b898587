// Work whose instructions are counted: the same at every run, on every machine of one instruction
// set. tests/guards/run.py compares the counts with those allowed.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace chasqui::guards {

struct Guard {
  std::string name;            // "linear q4_k 1 avx2"
  std::string unit;            // what `units` counts: "MAC", "token", ...
  double units = 0;            // of one call of work()
  std::function<void()> work;  // called twice: once to fill caches and scratch memory, then counted
};

std::vector<Guard> kernel_guards();  // matrix products and attention, at each level below AVX-512
std::vector<Guard> text_guards();    // sampling, masks, tokens, templates, answers

}  // namespace chasqui::guards
