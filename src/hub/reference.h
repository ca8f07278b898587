// How a user names a model on the hub: org/name, optionally with a revision and with what to take
// of the repository.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace chasqui::hub {

struct ModelReference {
  std::string repo;               // "org/name", or "name" alone for the hub's oldest models
  std::string revision = "main";  // branch, tag or commit
  // Which file: the name of a quantisation ("Q4_K_M"), a file name, or a pattern with * ? [ ]; "":
  // what default_order() comes to first (choose.h).
  std::string file;
};

// "org/name[@revision][:file]". kInvalidArgument says what is wrong with it.
Result<ModelReference> parse_reference(std::string_view text);

// The hub's own rules for names: letters, digits and - _ . , at most 96 of them a part, no ".." or
// "--". They also make a name safe as a part of a path and of a URL.
Status check_repo(std::string_view repo);
Status check_revision(std::string_view revision);

// Whether `path`, a file of a repository, stays in the folder that it is written to: relative, no
// empty part, no "." or "..", no control character, no backslash, parts of at most 255 bytes.
bool is_safe_path(std::string_view path);

// Whether `text` means a file or a pattern of files and not a quantisation.
bool names_a_file(std::string_view text);

}  // namespace chasqui::hub
