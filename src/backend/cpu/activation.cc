#include "backend/cpu/cpu_ops.h"
#include "backend/cpu/elementwise_tasks.h"
#include "backend/op_checks.h"

namespace chasqui::backend::cpu {

static_assert(static_cast<int>(Activation::kClampedSwiglu) + 1 == kActivationKinds);

void activation(CpuContext& context, const ActivationArgs& args) {
  check(args);
  const auto kernel = context.kernels.activation.run[static_cast<int>(args.kind)];
  const bool gated = args.up.data != nullptr;
  for_rows(context.team, args.gate.rows, args.gate.cols, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      kernel(args.gate.row(r), gated ? args.up.row(r) : nullptr, args.out.row(r), args.gate.cols);
    }
  });
}

}  // namespace chasqui::backend::cpu
