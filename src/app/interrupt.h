// Ctrl-C for commands that end in order: what they have is kept, temporary files go.
#pragma once

namespace chasqui::app {

// From now on SIGINT and SIGTERM are only remembered; a second one ends the process at once.
void remember_interrupts();
// Whether one came. Any thread.
bool interrupted();

}  // namespace chasqui::app
