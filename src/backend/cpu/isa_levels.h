// The instruction-set levels of this build and their kernels.
// Thread-safe: pure functions.
#pragma once

#include <string_view>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/kernel_table.h"
#include "base/result.h"

namespace chasqui::backend::cpu {

// The kernels of the level called `isa`; "" is the best level that this machine supports.
// kInvalidArgument, with the names there are, when `isa` is no level; kUnsupported when the machine
// lacks it.
Result<KernelTable> find_kernels(std::string_view isa);

}  // namespace chasqui::backend::cpu
