#include "backend/cpu/cpu_ops.h"
#include "backend/cpu/product.h"
#include "backend/op_checks.h"

namespace chasqui::backend::cpu {

void linear(CpuContext& context, const LinearArgs& args) {
  check(args);
  const int64_t rows = args.x.rows;
  ProductLists& lists = context.lists;
  lists.clear();
  for (int64_t r = 0; r < rows; ++r) lists.x.push_back(args.x.row(r));
  for (const LinearTarget& target : args.targets) {
    for (int64_t r = 0; r < rows; ++r) lists.y.push_back(target.y.row(r));
  }
  for (size_t t = 0; t < args.targets.size(); ++t) {
    lists.targets.push_back({static_cast<const MatrixWeight*>(args.targets[t].weight),
                             args.targets[t].bias, lists.y.data() + t * static_cast<size_t>(rows)});
  }
  lists.add_groups(0, 0, rows, kMaxGroupRows);
  multiply(context, {lists.x, args.x.cols, lists.groups, lists.targets});
}

}  // namespace chasqui::backend::cpu
