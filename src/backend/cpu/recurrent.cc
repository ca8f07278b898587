// The ops of recurrent layers. Columns of a convolution and value columns of a delta rule never
// meet, so both ops are divided by sequence and columns, and a task takes all rows of its columns
// in order.
#include <algorithm>
#include <array>
#include <cmath>

#include "backend/cpu/cpu_ops.h"
#include "backend/cpu/elementwise_tasks.h"
#include "backend/host_states.h"
#include "backend/op_checks.h"
#include "base/check.h"
#include "base/checked_math.h"

namespace chasqui::backend::cpu {
namespace {

// Columns of a task of conv_update. What a task remembers of the rows before it stays in the first
// level of the cache.
constexpr int64_t kConvColumns = 256;

// Below this many multiply-adds (about 5 us on one core) handing work to the team costs more than
// it gains.
constexpr int64_t kInlineMacs = 64 * 1024;

// Runs task(i) for i in [0, tasks), by the team where `macs` multiply-adds in all are worth it.
template <typename Fn>
void run_tasks(ThreadTeam& team, int64_t tasks, int64_t macs, const Fn& task) {
  if (macs >= kInlineMacs) {
    team.run(tasks, [&](int64_t i, int) { task(i); });
  } else {
    for (int64_t i = 0; i < tasks; ++i) task(i);
  }
}

// Some columns of one sequence of a convolution.
class ConvTask {
 public:
  ConvTask(const ConvUpdateArgs& args, const SequenceSlice& slice, int64_t first)
      : args_(args), slice_(slice), first_(first) {
    count_ = std::min(kConvColumns, args.x.cols - first);
  }

  void run(const RecurrentKernels& kernels) {
    remember();
    std::array<const float*, kMaxConvTaps> inputs{};
    for (int64_t r = 0; r < slice_.row_count; ++r) {
      for (int64_t t = 0; t < args_.taps; ++t) inputs[static_cast<size_t>(t)] = input(r + t);
      kernels.convolve(inputs.data(), args_.taps, args_.weight + first_, args_.x.cols,
                       args_.out.row(slice_.row_begin + r) + first_, count_);
    }
    for_runs(args_.state, slice_, [&](const StateRun& run) {
      if (run.after == nullptr) return;
      const int64_t end = run.row + run.count - slice_.row_begin;
      for (int64_t t = 0; t + 1 < args_.taps; ++t) {
        std::copy_n(input(end + t), count_, run.after + t * args_.x.cols + first_);
      }
    });
  }

 private:
  // A copy, because the state may be written before it is no longer needed.
  void remember() {
    const float* old = state_before(args_.state, slice_);
    for (int64_t t = 0; t + 1 < args_.taps; ++t) {
      float* to = before_.data() + t * kConvColumns;
      if (old == nullptr) {
        std::fill_n(to, count_, 0.0f);
      } else {
        std::copy_n(old + t * args_.x.cols + first_, count_, to);
      }
    }
  }

  // Row `i` of what is remembered and the slice's rows, one after another.
  const float* input(int64_t i) const {
    const int64_t remembered = args_.taps - 1;
    return i < remembered ? before_.data() + i * kConvColumns
                          : args_.x.row(slice_.row_begin + i - remembered) + first_;
  }

  const ConvUpdateArgs& args_;
  const SequenceSlice& slice_;
  int64_t first_;
  int64_t count_;
  std::array<float, (kMaxConvTaps - 1) * kConvColumns> before_;
};

// g and b of all rows and heads, [rows, heads] each, computed in double precision: the logarithm
// of g is multiplied over as many rows as the sequence has.
struct Gates {
  float* decay;
  float* beta;
};

void fill_gates(const DeltaRuleArgs& args, int64_t row, const Gates& gates) {
  for (int64_t h = 0; h < args.value_heads; ++h) {
    const double alpha =
        static_cast<double>(args.alpha.at(row, h)) + static_cast<double>(args.dt_bias[h]);
    // ln(1 + e^x), which is x where e^x would overflow.
    const double softplus = alpha > 30 ? alpha : std::log1p(std::exp(alpha));
    const int64_t at = row * args.value_heads + h;
    gates.decay[at] = static_cast<float>(std::exp(static_cast<double>(args.decay[h]) * softplus));
    gates.beta[at] =
        static_cast<float>(1 / (1 + std::exp(-static_cast<double>(args.beta.at(row, h)))));
  }
}

// Some value columns of one head of one sequence.
void run_columns(const DeltaRuleArgs& args, const RecurrentKernels& kernels, const Gates& gates,
                 const SequenceSlice& slice, int64_t column) {
  const int64_t key_dim = args.k.cols / args.key_heads;
  const int64_t value_dim = args.v.cols / args.value_heads;
  const int64_t tiles = ceil_div(value_dim, int64_t{kStateLanes});
  const int64_t head = column / tiles;
  const int64_t first = column % tiles * kStateLanes;
  const int64_t key_head = args.sharing == KeySharing::kGrouped
                               ? head / (args.value_heads / args.key_heads)
                               : head % args.key_heads;
  const int lanes = static_cast<int>(std::min<int64_t>(kStateLanes, value_dim - first));
  const int64_t offset = head * key_dim * value_dim + first;
  alignas(64) std::array<float, kMaxDeltaKeyDim * kStateLanes> tile;
  const float* before = state_before(args.state, slice);
  kernels.load_tile(before == nullptr ? nullptr : before + offset, value_dim, key_dim, lanes,
                    tile.data());
  for_runs(args.state, slice, [&](const StateRun& run) {
    const int64_t value_column = head * value_dim + first;
    const int64_t gate = run.row * args.value_heads + head;
    kernels.delta({.rows = run.count,
                   .q = args.q.row(run.row) + key_head * key_dim,
                   .k = args.k.row(run.row) + key_head * key_dim,
                   .key_stride = args.k.stride,
                   .v = args.v.row(run.row) + value_column,
                   .v_stride = args.v.stride,
                   .decay = gates.decay + gate,
                   .beta = gates.beta + gate,
                   .gate_stride = args.value_heads,
                   .key_dim = key_dim,
                   .lanes = lanes,
                   .scale = args.scale,
                   .out = args.out.row(run.row) + value_column,
                   .out_stride = args.out.stride},
                  tile.data());
    if (run.after == nullptr) return;
    kernels.store_tile(run.after + offset, value_dim, key_dim, lanes, tile.data());
  });
}

}  // namespace

Result<std::unique_ptr<StatePool>> allocate_states(const CpuContext& context,
                                                   const StateSpec& spec) {
  CHASQUI_TRY(auto pool, HostStatePool::allocate(spec));
  if (context.place_memory) {
    context.place_memory(static_cast<HostStatePool&>(*pool).bytes());
  }
  return pool;
}

void conv_update(CpuContext& context, const ConvUpdateArgs& args) {
  check(args);
  const int64_t pieces = ceil_div(args.x.cols, kConvColumns);
  const auto task = [&](int64_t i) {
    const SequenceSlice& slice = args.slices[static_cast<size_t>(i / pieces)];
    if (slice.row_count == 0) return;
    ConvTask(args, slice, i % pieces * kConvColumns).run(context.kernels.recurrent);
  };
  run_tasks(context.team, static_cast<int64_t>(args.slices.size()) * pieces,
            args.x.rows * args.x.cols * args.taps, task);
}

void delta_rule(CpuContext& context, const DeltaRuleArgs& args) {
  check(args);
  CHASQUI_CHECK(args.q.stride == args.k.stride, "q and k of different strides {} and {}",
                args.q.stride, args.k.stride);
  const int64_t rows = args.q.rows;
  const int64_t gates = rows * args.value_heads;
  auto* memory = reinterpret_cast<float*>(
      context.gates.reserve(static_cast<size_t>(2 * gates) * sizeof(float)));
  const Gates filled = {memory, memory + gates};
  // Exponentials and a logarithm cost about as much as 64 values of other row ops.
  for_rows(context.team, rows, args.value_heads * 64, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) fill_gates(args, r, filled);
  });
  const int64_t tiles = ceil_div(args.v.cols / args.value_heads, int64_t{kStateLanes});
  const int64_t columns = args.value_heads * tiles;
  const auto task = [&](int64_t i) {
    const SequenceSlice& slice = args.slices[static_cast<size_t>(i / columns)];
    if (slice.row_count == 0) return;
    run_columns(args, context.kernels.recurrent, filled, slice, i % columns);
  };
  const int64_t macs = rows * args.v.cols * (args.k.cols / args.key_heads) * 3;
  run_tasks(context.team, static_cast<int64_t>(args.slices.size()) * columns, macs, task);
}

}  // namespace chasqui::backend::cpu
