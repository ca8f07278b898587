// Which processors there are for us.
#pragma once

#include <vector>

namespace chasqui::backend::cpu {

// Ids of the processors that this process may run on (containers and taskset narrow them); never
// empty.
std::vector<int> allowed_processors();

}  // namespace chasqui::backend::cpu
