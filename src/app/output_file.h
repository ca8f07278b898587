// Whether a command may write its result, asked before the work is done and not after it.
#pragma once

#include <string>

#include "base/result.h"

namespace chasqui::app {

// kInvalidArgument for what exists already (unless `overwrite`, and then for what is no regular
// file); kIo for a folder that cannot be written to. A later failure is still possible.
Status check_output_file(const std::string& path, bool overwrite);

}  // namespace chasqui::app
