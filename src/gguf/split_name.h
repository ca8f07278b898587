// The file names of split models: <prefix>-0000I-of-0000N.gguf, I from 1.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace chasqui::gguf {

struct SplitName {
  std::string prefix;  // with the folder, without "-0000I-of-0000N.gguf"
  int part = 0;        // from 0
  int count = 1;       // at least 1, more than `part`
};

// nullopt when `path` has no such name, or one that makes no sense (part 4 of 3).
std::optional<SplitName> parse_split_name(std::string_view path);

// Path of part `part` (from 0) of the same model.
std::string split_path(const SplitName& name, int part);

}  // namespace chasqui::gguf
