#include "backend/cpu/cpu_ops.h"
#include "backend/cpu/elementwise_tasks.h"
#include "backend/op_checks.h"

namespace chasqui::backend::cpu {

void norm(CpuContext& context, const NormArgs& args) {
  check(args);
  const NormKernels& kernels = context.kernels.norm;
  const auto kernel = args.kind == NormKind::kRms     ? kernels.rms
                      : args.kind == NormKind::kLayer ? kernels.layer
                                                      : kernels.l2;
  for_rows(context.team, args.x.rows, args.x.cols, [&](int64_t begin, int64_t end) {
    NormTask task;
    task.group = args.group;
    task.count = args.x.cols / args.group;
    task.weight = args.weight;
    task.bias = args.bias;
    task.weight_step = args.weight_per_column ? args.group : 0;
    task.eps = args.eps;
    for (int64_t r = begin; r < end; ++r) {
      task.x = args.x.row(r);
      task.out = args.out.row(r);
      kernel(task);
    }
  });
}

}  // namespace chasqui::backend::cpu
