#include "backend/internal/reference_backend.h"

#include <fmt/format.h>

#include <algorithm>

#include "backend/op_checks.h"
#include "base/check.h"
#include "quant/quant_type.h"

namespace chasqui::backend {
namespace {

const ReferenceWeight& own(const Weight* weight) {
  const auto* mine = dynamic_cast<const ReferenceWeight*>(weight);
  CHASQUI_CHECK(mine != nullptr, "a weight of another backend");
  return *mine;
}

float dot(const float* a, const std::vector<float>& b, float bias) {
  double sum = bias;
  for (size_t i = 0; i < b.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return static_cast<float>(sum);
}

}  // namespace

void ReferenceWeight::decode(int64_t expert, int64_t row, std::vector<float>& to) const {
  to.resize(static_cast<size_t>(cols()));
  quant::decode_row(type(), data_ + (expert * rows() + row) * row_bytes_, to);
}

Result<std::unique_ptr<Weight>> ReferenceBackend::prepare(const TensorView& view, WeightUse,
                                                          std::string_view tensor_name) {
  const std::string_view type = dtype_info(view.type).name;
  if (quant::find_quant_type(view.type) == nullptr) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("tensor {}: cannot compute with type {}", tensor_name, type));
  }
  const auto bytes = row_bytes(view.type, static_cast<uint64_t>(view.cols()));
  if (!bytes || view.dims[3] != 1 || view.elements() <= 0 ||
      *bytes * static_cast<uint64_t>(view.elements() / view.cols()) != view.bytes.size()) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("tensor {}: {} bytes do not hold [{}, {}, {}, {}] of type {}",
                            tensor_name, view.bytes.size(), view.dims[0], view.dims[1],
                            view.dims[2], view.dims[3], type));
  }
  return std::make_unique<ReferenceWeight>(view, static_cast<int64_t>(*bytes));
}

void ReferenceBackend::embed(const EmbedArgs& args) {
  check(args);
  const ReferenceWeight& table = own(args.table);
  std::vector<float> row;
  for (int64_t r = 0; r < args.out.rows; ++r) {
    table.decode(0, args.ids[static_cast<size_t>(r)], row);
    for (int64_t c = 0; c < args.out.cols; ++c) {
      args.out.row(r)[c] = row[static_cast<size_t>(c)] * args.scale;
    }
  }
}

void ReferenceBackend::linear(const LinearArgs& args) {
  check(args);
  std::vector<float> row;
  for (const LinearTarget& target : args.targets) {
    for (int64_t o = 0; o < target.y.cols; ++o) {
      own(target.weight).decode(0, o, row);
      const float bias = target.bias != nullptr ? target.bias[o] : 0.0f;
      for (int64_t r = 0; r < args.x.rows; ++r) target.y.row(r)[o] = dot(args.x.row(r), row, bias);
    }
  }
}

void ReferenceBackend::expert_linear(const ExpertLinearArgs& args) {
  check(args);
  const int64_t slots = args.tokens * args.used;
  std::vector<float> row;
  for (const ExpertTarget& target : args.targets) {
    for (int64_t slot = 0; slot < slots; ++slot) {
      const int64_t expert = args.ids[slot];
      const float* x = args.x.row(args.x.rows == slots ? slot : slot / args.used);
      for (int64_t o = 0; o < target.y.cols; ++o) {
        own(target.weight).decode(expert, o, row);
        const float bias = target.bias != nullptr ? target.bias[expert * target.y.cols + o] : 0.0f;
        target.y.row(slot)[o] = dot(x, row, bias);
      }
    }
  }
}

void ReferenceBackend::add(const AddArgs& args) {
  check(args);
  for (int64_t r = 0; r < args.out.rows; ++r) {
    for (int64_t c = 0; c < args.out.cols; ++c) {
      const double sum = args.a.row(r)[c] + double{args.b.row(r)[c]} * args.b_scale;
      args.out.row(r)[c] = static_cast<float>(sum * args.scale);
    }
  }
}

void ReferenceBackend::scale_rows(const ScaleRowsArgs& args) {
  check(args);
  for (int64_t r = 0; r < args.x.rows; ++r) {
    for (int64_t c = 0; c < args.x.cols; ++c) args.x.row(r)[c] *= args.factors[r * args.stride];
  }
}

void ReferenceBackend::copy(const CopyArgs& args) {
  check(args);
  for (int64_t r = 0; r < args.from.rows; ++r) {
    std::copy_n(args.from.row(r), args.from.cols, args.to.row(r));
  }
}

void ReferenceBackend::combine_experts(const CombineArgs& args) {
  check(args);
  for (int64_t r = 0; r < args.out.rows; ++r) {
    for (int64_t c = 0; c < args.out.cols; ++c) {
      double sum = 0;
      for (int64_t s = r * args.used; s < (r + 1) * args.used; ++s) {
        sum += static_cast<double>(args.weights[s]) * args.y.row(s)[c];
      }
      args.out.row(r)[c] = static_cast<float>(sum);
    }
  }
}

void ReferenceBackend::gather_rows(const GatherArgs& args) {
  check(args);
  for (int64_t r = 0; r < args.out.rows; ++r) {
    std::copy_n(args.x.row(args.rows[static_cast<size_t>(r)]), args.out.cols, args.out.row(r));
  }
}

void ReferenceBackend::read(const float* from, float* to, int64_t count) {
  std::copy_n(from, count, to);
}

std::unique_ptr<Backend> make_reference_backend() {
  return std::make_unique<ReferenceBackend>();
}

}  // namespace chasqui::backend
