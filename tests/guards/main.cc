// chasqui_guards: runs every guard under callgrind, which run.py starts with --instr-atstart=no,
// and has it dump the count of each by itself. JSON lines on stdout say what was counted, in that
// order.
#include <fmt/format.h>
#include <valgrind/callgrind.h>

#include "guards/guard.h"

int main() {
  using namespace chasqui::guards;
  if (RUNNING_ON_VALGRIND == 0) {
    fmt::print(stderr,
               "chasqui_guards counts under callgrind only: tests/guards/run.py starts it\n");
    return 1;
  }
  fmt::print("{{\"compiler\":\"{}.{}\"}}\n", __GNUC__, __GNUC_MINOR__);
  for (const auto& list : {kernel_guards(), text_guards()}) {
    for (const Guard& guard : list) {
      guard.work();
      CALLGRIND_START_INSTRUMENTATION;
      CALLGRIND_ZERO_STATS;
      guard.work();
      CALLGRIND_DUMP_STATS_AT(guard.name.c_str());
      CALLGRIND_STOP_INSTRUMENTATION;
      fmt::print(R"({{"name":"{}","unit":"{}","units":{}}})"
                 "\n",
                 guard.name, guard.unit, guard.units);
    }
  }
  return 0;
}
