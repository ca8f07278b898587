// The REQUIRES clauses of ops.h, once for every backend: each function CHECKs that the shapes of
// its op fit together, that pointers which are not optional are there, and that block tables stay
// inside their pool. A violation is a bug of the layer code, so it aborts with the values.
//
// Cost: a few comparisons an op; for the cache ops one more for each block of the sequences.
// Thread-safe: all functions are pure.
#pragma once

#include "backend/backend.h"
#include "backend/ops.h"
#include "base/result.h"

namespace chasqui::backend {

void check(const EmbedArgs& args);
void check(const LinearArgs& args);
void check(const NormArgs& args);
void check(const RopeArgs& args);
void check(const StoreKvArgs& args);
void check(const AttentionArgs& args);
void check(const ActivationArgs& args);
void check(const AddArgs& args);
void check(const ScaleRowsArgs& args);
void check(const CopyArgs& args);
void check(const RouteArgs& args);
void check(const ExpertLinearArgs& args);
void check(const CombineArgs& args);
void check(const GatherArgs& args);
void check(const ConvUpdateArgs& args);
void check(const DeltaRuleArgs& args);

// A user's choice, so not a CHECK: kUnsupported when a head of keys or values is not a whole number
// of blocks of the type that it shall be cached in.
Status check_whole_blocks(const KvSpec& spec);

}  // namespace chasqui::backend
