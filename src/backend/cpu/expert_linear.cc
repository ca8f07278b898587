#include "backend/cpu/cpu_ops.h"
#include "backend/cpu/product.h"
#include "backend/op_checks.h"

namespace chasqui::backend::cpu {
namespace {

// Slots ordered by expert, first come first served within one: a counting sort.
void order_slots(const ExpertLinearArgs& args, int64_t experts, ProductLists& lists) {
  const int64_t slots = args.tokens * args.used;
  lists.counts.assign(static_cast<size_t>(experts) + 1, 0);
  lists.slots.resize(static_cast<size_t>(slots));
  for (int64_t s = 0; s < slots; ++s) ++lists.counts[static_cast<size_t>(args.ids[s]) + 1];
  for (int64_t e = 0; e < experts; ++e) {
    const int64_t begin = lists.counts[static_cast<size_t>(e)];
    const int64_t count = lists.counts[static_cast<size_t>(e) + 1];
    lists.add_groups(e, begin, count, kMaxGroupRows);
    lists.counts[static_cast<size_t>(e) + 1] += begin;
  }
  for (int64_t s = 0; s < slots; ++s) {
    lists.slots[static_cast<size_t>(lists.counts[static_cast<size_t>(args.ids[s])]++)] = s;
  }
}

}  // namespace

void expert_linear(CpuContext& context, const ExpertLinearArgs& args) {
  check(args);
  if (args.targets.empty() || args.tokens * args.used == 0) return;
  ProductLists& lists = context.lists;
  lists.clear();
  order_slots(args, args.targets[0].weight->experts(), lists);
  const bool row_per_slot = args.x.rows != args.tokens;
  for (const int64_t slot : lists.slots) {
    lists.x.push_back(args.x.row(row_per_slot ? slot : slot / args.used));
  }
  for (const ExpertTarget& target : args.targets) {
    for (const int64_t slot : lists.slots) lists.y.push_back(target.y.row(slot));
  }
  for (size_t t = 0; t < args.targets.size(); ++t) {
    lists.targets.push_back({static_cast<const MatrixWeight*>(args.targets[t].weight),
                             args.targets[t].bias, lists.y.data() + t * lists.slots.size()});
  }
  multiply(context, {lists.x, args.x.cols, lists.groups, lists.targets});
}

}  // namespace chasqui::backend::cpu
