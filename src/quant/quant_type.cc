#include "quant/quant_type.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "quant/floats.h"
#include "quant/iq1_m.h"
#include "quant/iq1_s.h"
#include "quant/iq2_s.h"
#include "quant/iq2_xs.h"
#include "quant/iq2_xxs.h"
#include "quant/iq3_s.h"
#include "quant/iq3_xxs.h"
#include "quant/iq4_nl.h"
#include "quant/iq4_xs.h"
#include "quant/mxfp4.h"
#include "quant/nvfp4.h"
#include "quant/q1_0.h"
#include "quant/q2_0.h"
#include "quant/q2_k.h"
#include "quant/q3_k.h"
#include "quant/q4_0.h"
#include "quant/q4_1.h"
#include "quant/q4_k.h"
#include "quant/q5_0.h"
#include "quant/q5_1.h"
#include "quant/q5_k.h"
#include "quant/q6_k.h"
#include "quant/q8_0.h"
#include "quant/tq1_0.h"
#include "quant/tq2_0.h"

namespace chasqui::quant {
namespace {

constexpr std::array kQuantTypes = {
    QuantType{DType::kF32, decode_f32, encode_f32},
    QuantType{DType::kF16, decode_f16, encode_f16},
    QuantType{DType::kQ4_0, decode_q4_0, encode_q4_0},
    QuantType{DType::kQ4_1, decode_q4_1, encode_q4_1},
    QuantType{DType::kQ5_0, decode_q5_0, encode_q5_0},
    QuantType{DType::kQ5_1, decode_q5_1, encode_q5_1},
    QuantType{DType::kQ8_0, decode_q8_0, encode_q8_0},
    QuantType{DType::kQ2_K, decode_q2_k, encode_q2_k},
    QuantType{DType::kQ3_K, decode_q3_k, encode_q3_k},
    QuantType{DType::kQ4_K, decode_q4_k, encode_q4_k},
    QuantType{DType::kQ5_K, decode_q5_k, encode_q5_k},
    QuantType{DType::kQ6_K, decode_q6_k, encode_q6_k},
    QuantType{DType::kIQ2_XXS, decode_iq2_xxs, encode_iq2_xxs, true},
    QuantType{DType::kIQ2_XS, decode_iq2_xs, encode_iq2_xs, true},
    QuantType{DType::kIQ3_XXS, decode_iq3_xxs, encode_iq3_xxs},
    QuantType{DType::kIQ1_S, decode_iq1_s, encode_iq1_s, true},
    QuantType{DType::kIQ4_NL, decode_iq4_nl, encode_iq4_nl},
    QuantType{DType::kIQ3_S, decode_iq3_s, encode_iq3_s},
    QuantType{DType::kIQ2_S, decode_iq2_s, encode_iq2_s},
    QuantType{DType::kIQ4_XS, decode_iq4_xs, encode_iq4_xs},
    QuantType{DType::kIQ1_M, decode_iq1_m, encode_iq1_m, true},
    QuantType{DType::kBF16, decode_bf16, encode_bf16},
    QuantType{DType::kTQ1_0, decode_tq1_0, encode_tq1_0},
    QuantType{DType::kTQ2_0, decode_tq2_0, encode_tq2_0},
    QuantType{DType::kMXFP4, decode_mxfp4, encode_mxfp4},
    QuantType{DType::kNVFP4, decode_nvfp4, encode_nvfp4},
    QuantType{DType::kQ1_0, decode_q1_0, encode_q1_0},
    QuantType{DType::kQ2_0, decode_q2_0, encode_q2_0},
};

}  // namespace

std::span<const QuantType> all_quant_types() {
  return kQuantTypes;
}

const QuantType* find_quant_type(DType type) {
  const auto it = std::ranges::find(kQuantTypes, type, &QuantType::type);
  return it == kQuantTypes.end() ? nullptr : &*it;
}

void decode_row(DType type, const std::byte* from, std::span<float> to) {
  const QuantType* quant = find_quant_type(type);
  const DTypeInfo& info = dtype_info(type);
  CHASQUI_CHECK(quant != nullptr, "{} has no decoder", info.name);
  CHASQUI_CHECK(to.size() % info.block_values == 0, "{} values are not whole {} blocks", to.size(),
                info.name);
  quant->decode(from, to.data(), static_cast<int64_t>(to.size() / info.block_values));
}

void encode_row(DType type, std::span<const float> from, std::span<const float> weights,
                std::byte* to) {
  const QuantType* quant = find_quant_type(type);
  const DTypeInfo& info = dtype_info(type);
  CHASQUI_CHECK(quant != nullptr, "{} has no encoder", info.name);
  CHASQUI_CHECK(from.size() % info.block_values == 0, "{} values are not whole {} blocks",
                from.size(), info.name);
  CHASQUI_CHECK(weights.empty() || weights.size() == from.size(), "{} weights for {} values",
                weights.size(), from.size());
  quant->encode(from.data(), weights.empty() ? nullptr : weights.data(), to,
                static_cast<int64_t>(from.size() / info.block_values));
}

}  // namespace chasqui::quant
