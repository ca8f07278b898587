// What a row of a step costs, by how far into its text it stands: the products with the weights are
// the same for every row, attention grows with the tokens before it.
#pragma once

#include <cstdint>

#include "model/model_spec.h"

namespace chasqui::model {

// The depth, in tokens, at which a row's attention takes about as long as all its products: a row
// at depth d costs 1 + d / even_depth of one at the beginning. At least 1; 0 where no layer looks
// back without limit, so that rows cost alike. An estimate for sharing out work, nothing else.
int64_t even_depth(const ModelSpec& spec);

}  // namespace chasqui::model
