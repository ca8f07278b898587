// The ops of recurrent layers.
#include <cmath>

#include "backend/host_states.h"
#include "backend/internal/reference_backend.h"
#include "backend/op_checks.h"

namespace chasqui::backend {
namespace {

// The inputs of one column of a slice, those before it included.
std::vector<float> inputs_of(const ConvUpdateArgs& args, const SequenceSlice& slice, int64_t col) {
  const int64_t before = args.taps - 1;
  const float* old = state_before(args.state, slice);
  std::vector<float> inputs;
  for (int64_t t = 0; t < before; ++t) {
    inputs.push_back(old != nullptr ? old[t * args.x.cols + col] : 0.0f);
  }
  for (int64_t r = 0; r < slice.row_count; ++r) {
    inputs.push_back(args.x.row(slice.row_begin + r)[col]);
  }
  return inputs;
}

void convolve(const ConvUpdateArgs& args, const SequenceSlice& slice, int64_t col) {
  const std::vector<float> inputs = inputs_of(args, slice, col);
  for (int64_t r = 0; r < slice.row_count; ++r) {
    double sum = 0;
    for (int64_t t = 0; t < args.taps; ++t) {
      sum += static_cast<double>(args.weight[t * args.x.cols + col]) *
             inputs[static_cast<size_t>(r + t)];
    }
    args.out.row(slice.row_begin + r)[col] = static_cast<float>(sum);
  }
  for_runs(args.state, slice, [&](const StateRun& run) {
    if (run.after == nullptr) return;
    const int64_t end = run.row + run.count - slice.row_begin;
    for (int64_t t = 0; t + 1 < args.taps; ++t) {
      run.after[t * args.x.cols + col] = inputs[static_cast<size_t>(end + t)];
    }
  });
}

// One value head of one sequence. Between two calls a state is f32, so it is rounded after each
// block of rows at the latest; here it is rounded after every row, whatever the calls.
class Head {
 public:
  Head(const DeltaRuleArgs& args, int64_t head)
      : args_(args),
        head_(head),
        key_dim_(args.k.cols / args.key_heads),
        value_dim_(args.v.cols / args.value_heads) {
    const int64_t share = args.value_heads / args.key_heads;
    key_head_ = args.sharing == KeySharing::kGrouped ? head / share : head % args.key_heads;
  }

  void run(const SequenceSlice& slice) {
    state_.assign(static_cast<size_t>(key_dim_ * value_dim_), 0.0f);
    const auto offset = static_cast<ptrdiff_t>(head_) * key_dim_ * value_dim_;
    if (const float* old = state_before(args_.state, slice)) {
      std::copy_n(old + offset, state_.size(), state_.begin());
    }
    for_runs(args_.state, slice, [&](const StateRun& run) {
      for (int64_t r = run.row; r < run.row + run.count; ++r) take(r);
      if (run.after != nullptr) std::copy(state_.begin(), state_.end(), run.after + offset);
    });
  }

 private:
  void take(int64_t row) {
    const double alpha = double{args_.alpha.at(row, head_)} + args_.dt_bias[head_];
    // ln(1 + e^x), which is x where e^x would overflow.
    const double softplus = alpha > 30 ? alpha : std::log1p(std::exp(alpha));
    const double decay = std::exp(args_.decay[head_] * softplus);
    const double beta = 1 / (1 + std::exp(-double{args_.beta.at(row, head_)}));
    const float* q = args_.q.row(row) + key_head_ * key_dim_;
    const float* k = args_.k.row(row) + key_head_ * key_dim_;
    const float* v = args_.v.row(row) + head_ * value_dim_;
    float* out = args_.out.row(row) + head_ * value_dim_;
    for (int64_t j = 0; j < value_dim_; ++j) {
      double known = 0;
      for (int64_t i = 0; i < key_dim_; ++i) known += decay * at(i, j) * k[i];
      const double change = beta * (v[j] - known);
      double read = 0;
      for (int64_t i = 0; i < key_dim_; ++i) {
        const double next = decay * at(i, j) + k[i] * change;
        read += next * q[i];
        at(i, j) = static_cast<float>(next);
      }
      out[j] = static_cast<float>(args_.scale * read);
    }
  }

  float& at(int64_t i, int64_t j) { return state_[static_cast<size_t>(i * value_dim_ + j)]; }

  const DeltaRuleArgs& args_;
  int64_t head_;
  int64_t key_head_;
  int64_t key_dim_;
  int64_t value_dim_;
  std::vector<float> state_;  // [key_dim, value_dim]
};

}  // namespace

Result<std::unique_ptr<StatePool>> ReferenceBackend::allocate_states(const StateSpec& spec) {
  return HostStatePool::allocate(spec);
}

void ReferenceBackend::conv_update(const ConvUpdateArgs& args) {
  check(args);
  for (const SequenceSlice& slice : args.slices) {
    for (int64_t c = 0; c < args.x.cols; ++c) convolve(args, slice, c);
  }
}

void ReferenceBackend::delta_rule(const DeltaRuleArgs& args) {
  check(args);
  for (const SequenceSlice& slice : args.slices) {
    for (int64_t h = 0; h < args.value_heads; ++h) Head(args, h).run(slice);
  }
}

}  // namespace chasqui::backend
