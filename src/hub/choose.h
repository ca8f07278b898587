// Which files of a repository are the model that somebody asked for. Works on names alone, those
// that the hub lists or those that lie in the cache.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace chasqui::hub {

// The files of one model, in the order of its parts. `wanted` is ModelReference::file:
//   a quantisation ("Q4_K_M", in any case): the model whose name has it between - . / or _ and
//   - . / or the end; of several, the one whose quantisation is exactly that
//   a name or a pattern (* ? [...], which also match slashes): the model that fits; a part of a
//   split model brings the others
//   "": the first of default_order() that there is, or the only model
// Image encoders (mmproj), importance matrices and files that are not GGUF are taken only where
// `wanted` names the file. kNotFound lists what there is, kInvalidArgument what fits equally well;
// kCorrupt names a part that a split model lacks.
Result<std::vector<std::string>> choose_files(std::span<const std::string> paths,
                                              std::string_view wanted, std::string_view repo);

// Quantisations from the first choice on. Q4_K_M is what most repositories are made for: below it
// answers get worse quickly, above it they hardly get better. Then what is nearest to it: other
// types of 4 to 5 bits, more bits up to 8, fewer, and at last weights that are not quantised.
std::span<const std::string_view> default_order();

// The quantisation in a file's name, in upper case ("UD-Q4_K_XL" gives "Q4_K_XL"); "" for none.
std::string quantisation_of(std::string_view path);

// Whether all of `text` fits `pattern`: * is any text, ? any byte, [abc], [a-z], [!a] one byte, as
// Python's fnmatch has it. Takes time proportional to the product of the lengths at most.
bool fits_pattern(std::string_view text, std::string_view pattern);

}  // namespace chasqui::hub
