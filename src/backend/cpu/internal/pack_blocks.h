// How each block type goes into a lane of a panel: writes block number `index` of a row. The lane
// was zeroed. One function a type; kPackRows in pack.cc says which layout they write.
#pragma once

#include <cstdint>

#include "backend/cpu/internal/lane_writer.h"
#include "quant/iq4_nl.h"
#include "quant/iq4_xs.h"
#include "quant/mxfp4.h"
#include "quant/nvfp4.h"
#include "quant/q4_0.h"
#include "quant/q4_1.h"
#include "quant/q4_k.h"
#include "quant/q5_0.h"
#include "quant/q5_1.h"
#include "quant/q5_k.h"
#include "quant/q6_k.h"
#include "quant/q8_0.h"

namespace chasqui::backend::cpu {

void put(const quant::BlockQ4_0& block, int64_t index, const LaneWriter& to);
void put(const quant::BlockQ4_1& block, int64_t index, const LaneWriter& to);
void put(const quant::BlockQ5_0& block, int64_t index, const LaneWriter& to);
void put(const quant::BlockQ5_1& block, int64_t index, const LaneWriter& to);
void put(const quant::BlockQ8_0& block, int64_t index, const LaneWriter& to);
void put(const quant::BlockQ4_K& block, int64_t index, const LaneWriter& to);
void put(const quant::BlockQ5_K& block, int64_t index, const LaneWriter& to);
void put(const quant::BlockQ6_K& block, int64_t index, const LaneWriter& to);
void put(const quant::BlockIQ4_NL& block, int64_t index, const LaneWriter& to);
void put(const quant::BlockIQ4_XS& block, int64_t index, const LaneWriter& to);
void put(const quant::BlockMXFP4& block, int64_t index, const LaneWriter& to);
void put(const quant::BlockNVFP4& block, int64_t index, const LaneWriter& to);

}  // namespace chasqui::backend::cpu
