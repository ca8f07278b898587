#include "backend/cpu/cpu_ops.h"
#include "backend/cpu/elementwise_tasks.h"
#include "backend/op_checks.h"

namespace chasqui::backend::cpu {

void rope(CpuContext& context, const RopeArgs& args) {
  check(args);
  const RopeKernels& kernels = context.kernels.rope;
  const auto kernel = args.kind == RopeKind::kNorm ? kernels.norm : kernels.neox;
  for_rows(context.team, args.x.rows, args.x.cols, [&](int64_t begin, int64_t end) {
    RopeTask task;
    task.heads = args.x.cols / args.head_dim;
    task.head_dim = args.head_dim;
    task.half = args.rotated / 2;
    for (int64_t r = begin; r < end; ++r) {
      task.x = args.x.row(r) + args.first;
      task.cos_sin = args.cos_sin + r * args.rotated;
      kernel(task);
    }
  });
}

}  // namespace chasqui::backend::cpu
