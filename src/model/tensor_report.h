// How well a file fits an architecture's table, in full: for those who add an architecture, or who
// want to know all that is wrong with a file and not only the first thing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gguf/file.h"

namespace chasqui::model {

struct TensorReport {
  std::string architecture;              // of the table
  std::vector<std::string> problems;     // sentences about what is missing or does not fit
  std::vector<std::string> unknown;      // tensors that the table does not name
  std::vector<std::string> unread_keys;  // metadata of the model that nobody reads
  int64_t fitting = 0;                   // tensors that are there and fit
};

// Reads metadata and directory alone. `table`: the architecture to compare with; empty: the one
// that the file names. Errors: as read_spec(), and kNotFound for a table that there is not.
Result<TensorReport> report_tensors(const gguf::File& file, std::string_view table = {});

}  // namespace chasqui::model
