// Where the checkout is that the tests were built from. One object file knows it, so that all
// others are the same in every checkout and a compiler cache serves them all.
#pragma once

#include <filesystem>

namespace chasqui::testing {

std::filesystem::path source_dir();

}  // namespace chasqui::testing
