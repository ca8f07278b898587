#include <algorithm>

#include "backend/cpu/cpu_ops.h"
#include "backend/cpu/elementwise_tasks.h"
#include "backend/op_checks.h"

namespace chasqui::backend::cpu {

void add(CpuContext& context, const AddArgs& args) {
  check(args);
  const auto kernel = context.kernels.elementwise.add;
  for_rows(context.team, args.a.rows, args.a.cols, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      kernel(args.a.row(r), args.b.row(r), {args.b_scale, args.scale}, args.out.row(r),
             args.a.cols);
    }
  });
}

void scale_rows(CpuContext& context, const ScaleRowsArgs& args) {
  check(args);
  const auto kernel = context.kernels.elementwise.scale;
  for_rows(context.team, args.x.rows, args.x.cols, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      kernel(args.x.row(r), args.factors[r * args.stride], args.x.row(r), args.x.cols);
    }
  });
}

void copy(CpuContext& context, const CopyArgs& args) {
  check(args);
  for_rows(context.team, args.from.rows, args.from.cols, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      std::copy_n(args.from.row(r), args.from.cols, args.to.row(r));
    }
  });
}

}  // namespace chasqui::backend::cpu
