// Texts of files and arguments on their way to a terminal.
#pragma once

#include <string>
#include <string_view>

namespace chasqui::app {

// Control characters of ASCII and of Latin-1 as \xNN, so that a name cannot act on the terminal;
// everything else as it is.
std::string printable(std::string_view text);

}  // namespace chasqui::app
