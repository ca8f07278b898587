#include "app/interrupt.h"

#include <signal.h>

#include <atomic>

namespace chasqui::app {
namespace {

// A signal handler may touch nothing else.
std::atomic<bool> remembered{false};

}  // namespace

void remember_interrupts() {
  struct sigaction action = {};
  action.sa_handler = [](int) { remembered.store(true); };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool interrupted() {
  return remembered.load();
}

}  // namespace chasqui::app
