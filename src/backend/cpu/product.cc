#include "backend/cpu/product.h"

#include <algorithm>
#include <cstring>

#include "backend/cpu/decoded_product.h"
#include "backend/cpu/linear_kernels.h"
#include "base/checked_math.h"

namespace chasqui::backend::cpu {
namespace {

// Rough speeds of one core, only for cutting the work into tasks.
constexpr double kBytesPerNs = 30;  // weights from memory
constexpr double kIntMacsPerNs = 300;
constexpr double kFloatMacsPerNs = 50;
constexpr double kDecodedPerNs = 0.7;  // values decoded by scalar code
// A task of 16 us is long against taking it from the team's counter (about 0.1 us) and against its
// first weights, which nobody has asked for ahead of time; tasks beyond 60 us would leave cores
// idle at the end of the loop.
constexpr double kMinTaskNs = 4000;
constexpr double kMaxTaskNs = 60'000;
constexpr double kTasksPerThread = 16;
// Below this, waking the team costs more than it brings.
constexpr double kAloneNs = 10'000;
// Tokens that one task quantises.
constexpr int64_t kQuantizeTokens = 24;
// Groups of up to this many tokens go through the fused kernels in several passes: the later ones
// find the weights in the second-level cache, which is quicker than unpacking a tile for so few.
constexpr int64_t kMaxPassTokens = 3 * kMaxFusedTokens;
// Weights between the passes: a part of the second-level cache.
constexpr int64_t kPassBytes = 192 * 1024;

double panel_ns(const MatrixWeight& weight, int64_t tokens) {
  const double values = static_cast<double>(kPanelRows * weight.cols());
  const double macs = values * static_cast<double>(tokens);
  if (!weight.packed()) return values / kDecodedPerNs + macs / kFloatMacsPerNs;
  const PanelShape& shape = weight.shape();
  return static_cast<double>(shape.panel_bytes) / kBytesPerNs +
         macs / (shape.is_float ? kFloatMacsPerNs : kIntMacsPerNs);
}

int64_t panels_of(const MatrixWeight& weight) {
  return ceil_div(weight.rows(), kPanelRows);
}

double total_ns(const Product& product) {
  double ns = 0;
  for (const ProductTarget& target : product.targets) {
    for (const RowGroup& group : product.groups) {
      ns += panel_ns(*target.weight, group.count) * static_cast<double>(panels_of(*target.weight));
    }
  }
  return ns;
}

// Runs on the team, or on this thread alone when that is quicker.
template <typename Fn>
void run_tasks(CpuContext& context, size_t tasks, bool alone, const Fn& fn) {
  if (alone) {
    for (size_t i = 0; i < tasks; ++i) fn(static_cast<int64_t>(i), 0);
  } else {
    context.team.run(static_cast<int64_t>(tasks), fn);
  }
}

// Cuts each target and group into tasks of whole panels.
void cut(CpuContext& context, const Product& product, double task_ns,
         std::vector<ProductTask>& tasks) {
  tasks.clear();
  for (size_t t = 0; t < product.targets.size(); ++t) {
    const MatrixWeight& weight = *product.targets[t].weight;
    const int64_t panels = panels_of(weight);
    for (size_t g = 0; g < product.groups.size(); ++g) {
      const double ns = panel_ns(weight, product.groups[g].count);
      // The tile path works on tile_panels at once.
      const int64_t step = round_up(std::max<int64_t>(1, static_cast<int64_t>(task_ns / ns)),
                                    context.kernels.linear.tile_panels);
      for (int64_t begin = 0; begin < panels; begin += step) {
        tasks.push_back({static_cast<int32_t>(t), static_cast<int32_t>(g), begin,
                         std::min(panels, begin + step)});
      }
    }
  }
}

int64_t block_tokens(const LinearKernels& kernels, int64_t tokens) {
  return tokens <= kMaxFusedTokens ? tokens : kernels.tile_tokens;
}

// Tokens of a group that the kernels see together.
int64_t pass_tokens(int64_t count) {
  return count <= kMaxPassTokens ? ceil_div(count, ceil_div(count, kMaxFusedTokens)) : count;
}

// Quantises all rows; group g's records start at row g.begin's place.
const uint8_t* quantize_rows(CpuContext& context, const Product& product, bool alone) {
  const LinearKernels& kernels = context.kernels.linear;
  const int64_t groups = product.cols / kGroupValues;
  const int64_t row_bytes = groups * kXRecordBytes;
  auto* records = reinterpret_cast<uint8_t*>(
      context.activations.reserve(product.x.size() * static_cast<size_t>(row_bytes)));
  std::vector<ProductTask>& pieces = context.lists.tasks;
  pieces.clear();
  for (size_t g = 0; g < product.groups.size(); ++g) {
    // More than kMaxPassTokens are one pass, so that a piece never belongs to two.
    const int64_t count = product.groups[g].count;
    const int64_t step = std::min(kQuantizeTokens, pass_tokens(count));
    for (int64_t begin = 0; begin < count; begin += step) {
      pieces.push_back({0, static_cast<int32_t>(g), begin, std::min(count, begin + step)});
    }
  }
  run_tasks(context, pieces.size(), alone, [&](int64_t i, int) {
    const ProductTask& piece = pieces[static_cast<size_t>(i)];
    const RowGroup& group = product.groups[static_cast<size_t>(piece.group)];
    const int64_t together = pass_tokens(group.count);
    const int64_t pass = piece.begin / together * together;
    const int64_t tokens = std::min(together, group.count - pass);
    kernels.quantize({product.x.data() + group.begin + pass, groups, tokens,
                      block_tokens(kernels, tokens), piece.begin - pass, piece.end - pass,
                      records + (group.begin + pass) * row_bytes});
  });
  return records;
}

// What one task needs to know.
struct TaskContext {
  const LinearKernels& kernels;
  const Product& product;
  const uint8_t* records;
  std::byte* scratch;
};

// Calls run(part, first token) for parts that cover the panels and tokens of `kernel`.
template <typename Run>
void in_passes(const QuantTask& kernel, const Run& run) {
  const int64_t together = pass_tokens(kernel.tokens);
  const int64_t step = together == kernel.tokens
                           ? kernel.panels
                           : std::max<int64_t>(1, kPassBytes / kernel.panel_bytes);
  for (int64_t p = 0; p < kernel.panels; p += step) {
    for (int64_t first = 0; first < kernel.tokens; first += together) {
      QuantTask part = kernel;
      part.weights += p * kernel.panel_bytes;
      part.first_row += p * kPanelRows;
      part.panels = std::min(step, kernel.panels - p);
      if (part.bias != nullptr) part.bias += p * kPanelRows;
      part.tokens = std::min(together, kernel.tokens - first);
      part.y += first;
      run(part, first);
    }
  }
}

void run_quant(const TaskContext& at, const ProductTask& task, const RowGroup& group,
               QuantTask kernel) {
  const PanelShape& shape = at.product.targets[static_cast<size_t>(task.target)].weight->shape();
  kernel.scale_at = shape.scale_at;
  kernel.high_at = shape.high_at;
  kernel.quant_at = shape.quant_at;
  kernel.groups = shape.groups;
  kernel.x = at.records + group.begin * shape.groups * kXRecordBytes;
  in_passes(kernel, [&](QuantTask& part, int64_t first) {
    part.x += first * shape.groups * kXRecordBytes;
    const auto& table = part.tokens <= kMaxFusedTokens ? at.kernels.fused : at.kernels.tiled;
    table[shape.kind](part);
  });
}

void run_task(const TaskContext& at, const ProductTask& task) {
  const ProductTarget& target = at.product.targets[static_cast<size_t>(task.target)];
  const RowGroup& group = at.product.groups[static_cast<size_t>(task.group)];
  const MatrixWeight& weight = *target.weight;
  const int64_t row = task.begin * kPanelRows;
  const float* bias =
      target.bias == nullptr ? nullptr : target.bias + group.expert * weight.rows() + row;
  const float* const* x = at.product.x.data() + group.begin;
  float* const* y = target.y + group.begin;
  if (!weight.packed()) {
    multiply_decoded(at.kernels, {&weight, group.expert, task.begin, task.end, x, group.count, y,
                                  bias, at.scratch});
    return;
  }
  const PanelShape& shape = weight.shape();
  const auto* panels = reinterpret_cast<const uint8_t*>(weight.panels(group.expert)) +
                       task.begin * shape.panel_bytes;
  const int64_t count = task.end - task.begin;
  auto* scratch = reinterpret_cast<uint8_t*>(at.scratch);
  if (shape.is_float) {
    at.kernels.floats[shape.kind]({panels, shape.panel_bytes, shape.cols, row, count, weight.rows(),
                                   x, group.count, y, bias, scratch});
    return;
  }
  QuantTask kernel = {};
  kernel.weights = panels;
  kernel.panel_bytes = shape.panel_bytes;
  kernel.first_row = row;
  kernel.panels = count;
  kernel.rows = weight.rows();
  kernel.tokens = group.count;
  kernel.y = y;
  kernel.bias = bias;
  kernel.scratch = scratch;
  run_quant(at, task, group, kernel);
}

int64_t scratch_bytes(const LinearKernels& kernels, const Product& product) {
  int64_t tokens = 0;
  for (const RowGroup& group : product.groups) tokens = std::max(tokens, group.count);
  const int64_t tile = std::max({kernels.tile_bytes, kernels.float_tile_bytes, kDecodedTileBytes});
  const int64_t sums = tokens * kernels.tile_panels * kPanelRows * int64_t{sizeof(float)};
  return round_up(tile + sums, 4096);  // threads on pages of their own
}

}  // namespace

void multiply(CpuContext& context, const Product& product) {
  const double ns = total_ns(product);
  const bool alone = ns < kAloneNs || context.team.size() == 1;
  const LinearKernels& kernels = context.kernels.linear;
  const uint8_t* records = nullptr;
  for (const ProductTarget& target : product.targets) {
    if (records != nullptr || !target.weight->packed() || target.weight->shape().is_float) continue;
    records = quantize_rows(context, product, alone);
  }
  const double share = ns / (kTasksPerThread * context.team.size());
  cut(context, product, std::clamp(share, kMinTaskNs, kMaxTaskNs), context.lists.tasks);
  const int64_t bytes = scratch_bytes(kernels, product);
  std::byte* scratch = context.panels.reserve(static_cast<size_t>(bytes * context.team.size()));
  run_tasks(context, context.lists.tasks.size(), alone, [&](int64_t i, int thread) {
    run_task({kernels, product, records, scratch + bytes * thread},
             context.lists.tasks[static_cast<size_t>(i)]);
  });
}

}  // namespace chasqui::backend::cpu
