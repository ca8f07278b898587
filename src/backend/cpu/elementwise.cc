#include "backend/cpu/cpu_ops.h"
#include "backend/cpu/elementwise_tasks.h"
#include "backend/op_checks.h"

namespace chasqui::backend::cpu {

void add(CpuContext& context, const AddArgs& args) {
  check(args);
  const auto kernel = context.kernels.elementwise.add;
  for_rows(context.team, args.a.rows, args.a.cols, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      kernel(args.a.row(r), args.b.row(r), args.scale, args.out.row(r), args.a.cols);
    }
  });
}

}  // namespace chasqui::backend::cpu
