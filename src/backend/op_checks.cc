#include "backend/op_checks.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"

namespace chasqui::backend {
namespace {

void check_matrix(const Matrix& m, const char* what) {
  CHASQUI_CHECK(m.rows >= 0 && m.cols > 0, "{} is [{}, {}]", what, m.rows, m.cols);
  CHASQUI_CHECK(m.rows == 0 || m.data != nullptr, "{} has no data", what);
  CHASQUI_CHECK(m.stride >= m.cols, "{}: stride {} < {} columns", what, m.stride, m.cols);
}

void check_shape(const Matrix& m, int64_t rows, int64_t cols, const char* what) {
  check_matrix(m, what);
  CHASQUI_CHECK(m.rows == rows && m.cols == cols, "{} is [{}, {}], not [{}, {}]", what, m.rows,
                m.cols, rows, cols);
}

// The slice lies in the rows, and its table has an entry for each of its positions. The number of
// these entries.
int64_t check_slice(const SequenceSlice& slice, int64_t rows) {
  CHASQUI_CHECK(
      slice.row_begin >= 0 && slice.row_count >= 0 && slice.row_begin + slice.row_count <= rows,
      "slice of rows {} + {} of {}", slice.row_begin, slice.row_count, rows);
  CHASQUI_CHECK(slice.kv_begin >= 0, "cache index {}", slice.kv_begin);
  const int64_t end = slice.kv_begin + slice.row_count;
  const int64_t blocks = (end + kKvBlockTokens - 1) / kKvBlockTokens;
  CHASQUI_CHECK(static_cast<int64_t>(slice.block_table.size()) >= blocks,
                "block table of {} for {} tokens", slice.block_table.size(), end);
  return blocks;
}

// Every slice lies in the rows and its table covers its positions with blocks of the pool.
void check_slices(std::span<const SequenceSlice> slices, int64_t rows, const KvPool* pool) {
  CHASQUI_CHECK(pool != nullptr, "no cache pool");
  for (const SequenceSlice& slice : slices) {
    const int64_t blocks = check_slice(slice, rows);
    for (int64_t i = 0; i < blocks; ++i) {
      const int32_t block = slice.block_table[static_cast<size_t>(i)];
      CHASQUI_CHECK(block >= 0 && block < pool->spec().blocks, "block {} of {}", block,
                    pool->spec().blocks);
    }
  }
}

// The same for states: the one that is read and the last that is written exist, those between may
// be left out.
void check_states(std::span<const SequenceSlice> slices, int64_t rows, const StatePart& part,
                  int64_t floats) {
  CHASQUI_CHECK(part.pool != nullptr, "no state pool");
  const StateSpec& spec = part.pool->spec();
  CHASQUI_CHECK(part.begin >= 0 && part.begin + floats <= spec.floats, "{} floats at {} of {}",
                floats, part.begin, spec.floats);
  for (const SequenceSlice& slice : slices) {
    const int64_t blocks = check_slice(slice, rows);
    if (slice.row_count == 0) continue;
    const int64_t first = std::max<int64_t>(0, slice.kv_begin - 1) / kKvBlockTokens;
    for (int64_t i = first; i < blocks; ++i) {
      const int32_t state = slice.block_table[static_cast<size_t>(i)];
      const bool needed = i + 1 == blocks || (i == first && slice.kv_begin > 0);
      CHASQUI_CHECK(state >= (needed ? 0 : -1) && state < spec.states, "state {} of {}", state,
                    spec.states);
    }
  }
}

void check_gates(const GateColumns& gates, int64_t rows, int64_t heads, const char* what) {
  check_matrix(gates.x, what);
  CHASQUI_CHECK(gates.run > 0 && gates.stride >= gates.run && gates.x.rows == rows &&
                    (heads - 1) / gates.run * gates.stride + (heads - 1) % gates.run < gates.x.cols,
                "{}: {} columns for {} heads", what, gates.x.cols, heads);
}

}  // namespace

void check(const EmbedArgs& args) {
  CHASQUI_CHECK(args.table != nullptr, "no table");
  check_shape(args.out, static_cast<int64_t>(args.ids.size()), args.table->cols(), "out");
  for (int32_t id : args.ids) {
    CHASQUI_CHECK(id >= 0 && id < args.table->rows(), "id {} of {}", id, args.table->rows());
  }
}

void check(const LinearArgs& args) {
  check_matrix(args.x, "x");
  for (const LinearTarget& target : args.targets) {
    CHASQUI_CHECK(target.weight != nullptr && target.weight->experts() == 1, "not a matrix");
    CHASQUI_CHECK(target.weight->cols() == args.x.cols, "weight has {} inputs, x {} columns",
                  target.weight->cols(), args.x.cols);
    check_shape(target.y, args.x.rows, target.weight->rows(), "y");
  }
}

void check(const NormArgs& args) {
  check_matrix(args.x, "x");
  check_shape(args.out, args.x.rows, args.x.cols, "out");
  CHASQUI_CHECK(args.group > 0 && args.x.cols % args.group == 0, "groups of {} in {} columns",
                args.group, args.x.cols);
}

void check(const RopeArgs& args) {
  check_matrix(args.x, "x");
  CHASQUI_CHECK(args.head_dim > 0 && args.x.cols % args.head_dim == 0, "heads of {} in {} columns",
                args.head_dim, args.x.cols);
  CHASQUI_CHECK(args.first >= 0 && args.rotated >= 0 && args.rotated % 2 == 0 &&
                    args.first + args.rotated <= args.head_dim,
                "{} + {} of {} rotated", args.first, args.rotated, args.head_dim);
  CHASQUI_CHECK(args.cos_sin != nullptr || args.x.rows == 0 || args.rotated == 0, "no table");
}

void check(const StoreKvArgs& args) {
  CHASQUI_CHECK(args.pool != nullptr, "no cache pool");
  const KvSpec& spec = args.pool->spec();
  check_shape(args.k, args.k.rows, spec.kv_heads * spec.key_dim, "k");
  check_shape(args.v, args.k.rows, spec.kv_heads * spec.value_dim, "v");
  check_slices(args.slices, args.k.rows, args.pool);
}

void check(const AttentionArgs& args) {
  CHASQUI_CHECK(args.pool != nullptr, "no cache pool");
  const KvSpec& spec = args.pool->spec();
  CHASQUI_CHECK(args.heads > 0 && args.heads % spec.kv_heads == 0, "{} heads for {} KV heads",
                args.heads, spec.kv_heads);
  CHASQUI_CHECK(args.window >= 0, "window {}", args.window);
  check_shape(args.q, args.q.rows, args.heads * spec.key_dim, "q");
  check_shape(args.out, args.q.rows, args.heads * spec.value_dim, "out");
  check_slices(args.slices, args.q.rows, args.pool);
}

void check(const ActivationArgs& args) {
  check_matrix(args.gate, "gate");
  check_shape(args.out, args.gate.rows, args.gate.cols, "out");
  CHASQUI_CHECK(args.kind != Activation::kClampedSwiglu || args.up.data != nullptr, "no up");
  if (args.up.data != nullptr) check_shape(args.up, args.gate.rows, args.gate.cols, "up");
}

void check(const AddArgs& args) {
  check_matrix(args.a, "a");
  check_shape(args.b, args.a.rows, args.a.cols, "b");
  check_shape(args.out, args.a.rows, args.a.cols, "out");
}

void check(const ScaleRowsArgs& args) {
  check_matrix(args.x, "x");
  CHASQUI_CHECK(args.stride >= 0, "stride {}", args.stride);
  CHASQUI_CHECK(args.factors != nullptr || args.x.rows == 0, "no factors");
}

void check(const CopyArgs& args) {
  check_matrix(args.from, "from");
  check_shape(args.to, args.from.rows, args.from.cols, "to");
}

void check(const RouteArgs& args) {
  check_matrix(args.logits, "logits");
  CHASQUI_CHECK(args.used > 0 && args.used <= args.logits.cols, "{} of {} experts", args.used,
                args.logits.cols);
  CHASQUI_CHECK(args.groups > 0 && args.logits.cols % args.groups == 0, "{} experts in {} groups",
                args.logits.cols, args.groups);
  CHASQUI_CHECK(args.groups_used > 0 && args.groups_used <= args.groups &&
                    args.used <= args.logits.cols / args.groups * args.groups_used,
                "{} experts of {} of {} groups", args.used, args.groups_used, args.groups);
  CHASQUI_CHECK(args.ids != nullptr && args.weights != nullptr, "no place for the result");
}

void check(const ExpertLinearArgs& args) {
  check_matrix(args.x, "x");
  const int64_t slots = args.tokens * args.used;
  CHASQUI_CHECK(args.tokens >= 0 && args.used > 0 && (args.ids != nullptr || slots == 0),
                "{} tokens, {} used", args.tokens, args.used);
  CHASQUI_CHECK(args.x.rows == args.tokens || args.x.rows == slots, "{} rows of x for {} tokens",
                args.x.rows, args.tokens);
  for (const ExpertTarget& target : args.targets) {
    CHASQUI_CHECK(target.weight != nullptr && target.weight->cols() == args.x.cols,
                  "weight does not fit x of {} columns", args.x.cols);
    check_shape(target.y, slots, target.weight->rows(), "y");
    for (int64_t i = 0; i < slots; ++i) {
      CHASQUI_CHECK(args.ids[i] >= 0 && args.ids[i] < target.weight->experts(), "expert {} of {}",
                    args.ids[i], target.weight->experts());
    }
  }
}

void check(const CombineArgs& args) {
  check_matrix(args.y, "y");
  CHASQUI_CHECK(args.used > 0 && args.y.rows % args.used == 0, "{} rows, {} used", args.y.rows,
                args.used);
  CHASQUI_CHECK(args.weights != nullptr || args.y.rows == 0, "no weights");
  check_shape(args.out, args.y.rows / args.used, args.y.cols, "out");
}

void check(const GatherArgs& args) {
  check_matrix(args.x, "x");
  check_shape(args.out, static_cast<int64_t>(args.rows.size()), args.x.cols, "out");
  for (int32_t row : args.rows) {
    CHASQUI_CHECK(row >= 0 && row < args.x.rows, "row {} of {}", row, args.x.rows);
  }
}

void check(const ConvUpdateArgs& args) {
  check_matrix(args.x, "x");
  check_shape(args.out, args.x.rows, args.x.cols, "out");
  CHASQUI_CHECK(args.taps >= 1 && args.taps <= kMaxConvTaps && args.weight != nullptr, "{} taps",
                args.taps);
  check_states(args.slices, args.x.rows, args.state, (args.taps - 1) * args.x.cols);
}

void check(const DeltaRuleArgs& args) {
  check_matrix(args.q, "q");
  check_shape(args.k, args.q.rows, args.q.cols, "k");
  check_shape(args.v, args.q.rows, args.v.cols, "v");
  check_shape(args.out, args.q.rows, args.v.cols, "out");
  CHASQUI_CHECK(args.key_heads > 0 && args.value_heads > 0 &&
                    args.value_heads % args.key_heads == 0 && args.k.cols % args.key_heads == 0 &&
                    args.v.cols % args.value_heads == 0,
                "{} key heads in {} columns, {} value heads in {}", args.key_heads, args.k.cols,
                args.value_heads, args.v.cols);
  CHASQUI_CHECK(args.k.cols / args.key_heads <= kMaxDeltaKeyDim, "keys of {}",
                args.k.cols / args.key_heads);
  check_gates(args.alpha, args.q.rows, args.value_heads, "alpha");
  check_gates(args.beta, args.q.rows, args.value_heads, "beta");
  CHASQUI_CHECK(args.dt_bias != nullptr && args.decay != nullptr, "no parameters");
  check_states(args.slices, args.q.rows, args.state, args.k.cols / args.key_heads * args.v.cols);
}

Status check_whole_blocks(const KvSpec& spec) {
  struct Side {
    const char* what;
    const char* setting;
    DType type;
    int64_t dim;
  };
  for (const Side& side : {Side{"keys", "type_k", spec.key_type, spec.key_dim},
                           Side{"values", "type_v", spec.value_type, spec.value_dim}}) {
    const DTypeInfo& info = dtype_info(side.type);
    if (side.dim % info.block_values == 0) continue;
    return fail(ErrorCode::kUnsupported,
                fmt::format("{} of {} values a head cannot be cached as {}, which takes {} at a "
                            "time; F16 and BF16 can hold them",
                            side.what, side.dim, info.name, info.block_values),
                side.setting);
  }
  return {};
}

}  // namespace chasqui::backend
