// What the ops of the CPU backend share: the kernels of the chosen level, the thread team, and
// scratch memory. One per backend; used by the thread that issues ops (and, through the team, by
// tasks of the op that runs).
#pragma once

#include <cstddef>
#include <utility>

#include "backend/cpu/kernel_table.h"
#include "backend/cpu/placement.h"
#include "backend/cpu/product_lists.h"
#include "base/check.h"
#include "base/thread_team.h"
#include "tensor/arena.h"
#include "tensor/buffer.h"

namespace chasqui::backend::cpu {

// Memory that ops reuse from call to call: grows to the largest need and stays. Contents are
// undefined at the start of an op.
class Scratch {
 public:
  // REQUIRES: called outside of team loops. Running out of memory here is fatal: the amounts are
  // small and the same for every step of a size.
  std::byte* reserve(size_t bytes) {
    if (bytes > buffer_.size()) {
      auto bigger = Buffer::allocate(bytes + bytes / 4);
      CHASQUI_CHECK(bigger.has_value(), "{} bytes of scratch memory", bytes);
      buffer_ = std::move(*bigger);
    }
    return buffer_.data();
  }

 private:
  Buffer buffer_;
};

struct CpuContext {
  CpuContext(const KernelTable& table, const Placement& placement, PlaceMemory place)
      : kernels(table),
        place_memory(std::move(place)),
        team(placement.threads, placement.bind_to) {}

  const KernelTable kernels;
  const PlaceMemory place_memory;  // of weights and cache, before their first use; may be empty
  ThreadTeam team;
  ProductLists lists;   // linear, expert_linear
  Scratch activations;  // linear, expert_linear: quantised x
  Scratch panels;       // linear, expert_linear: unpacked tiles, one piece a thread
  Scratch attention;    // attention: scores and partial results
  Scratch route;        // route_experts: scores
  Scratch gates;        // delta_rule: decay and beta of each row and head
};

}  // namespace chasqui::backend::cpu
