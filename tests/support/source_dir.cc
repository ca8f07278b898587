#include "support/source_dir.h"

namespace chasqui::testing {

std::filesystem::path source_dir() {
  return CHASQUI_SOURCE_DIR;
}

}  // namespace chasqui::testing
