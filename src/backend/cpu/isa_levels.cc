#include "backend/cpu/isa_levels.h"

#include <fmt/format.h>

#include <string>

namespace chasqui::backend::cpu {

#define CHASQUI_ISA_LEVEL(name, description, supported) \
  namespace name {                                      \
  KernelTable kernel_table();                           \
  }
#include "isa_list.inc"
#undef CHASQUI_ISA_LEVEL

namespace {

struct LevelRow {
  IsaLevel level;
  KernelTable (*kernels)();
};

std::vector<LevelRow> all_levels() {
  return {
#define CHASQUI_ISA_LEVEL(name, description, supported) \
  {{#name, description, supported}, name::kernel_table},
#include "isa_list.inc"
#undef CHASQUI_ISA_LEVEL
  };
}

}  // namespace

std::vector<IsaLevel> isa_levels() {
  std::vector<IsaLevel> levels;
  for (const LevelRow& row : all_levels()) levels.push_back(row.level);
  return levels;
}

Result<KernelTable> find_kernels(std::string_view isa) {
  const LevelRow* best = nullptr;
  std::string names;
  const std::vector<LevelRow> rows = all_levels();
  for (const LevelRow& row : rows) {
    names += (names.empty() ? "" : ", ") + std::string(row.level.name);
    if (row.level.supported) best = &row;
    if (row.level.name != isa) continue;
    if (row.level.supported) return row.kernels();
    return fail(ErrorCode::kUnsupported,
                fmt::format("instruction-set level '{}' ({}) is not supported by this processor",
                            isa, row.level.description),
                "cpu_isa");
  }
  if (!isa.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("unknown instruction-set level '{}': this build has {}", isa, names),
                "cpu_isa");
  }
  return best->kernels();  // the scalar level is always supported
}

}  // namespace chasqui::backend::cpu
