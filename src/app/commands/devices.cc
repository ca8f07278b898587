// chasqui devices: what this machine offers to compute with.

#include <fmt/format.h>

#include "app/commands/command.h"
#include "app/memory_plan.h"
#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/topology.h"

namespace chasqui::app {
namespace {

Status devices(bool measure) {
  const auto topology = backend::cpu::Topology::of_this_machine();
  fmt::print(
      "processors that we may use: {} on {} cores of {} NUMA nodes; threads by default: {}\n",
      topology.processors().size(), topology.cores(), topology.nodes(),
      backend::cpu::default_threads());
  fmt::print("memory: {}\n\n", format_bytes(machine_memory_bytes()));
  fmt::print("instruction sets (--cpu_isa or CHASQUI_CPU_ISA forces one):\n");
  std::string best;
  for (const backend::cpu::IsaLevel& level : backend::cpu::isa_levels()) {
    fmt::print("  {:<8} {:<60} {}\n", level.name, level.description,
               level.supported ? "supported" : "not on this machine");
    if (level.supported) best = level.name;
  }
  fmt::print("in use: {}\n", best);
  if (!measure) return {};
  CHASQUI_TRY(const auto limits, backend::cpu::measure_limits(0, best, 0.5));
  fmt::print(
      "\nmeasured with all cores: reads {:.1f} GB/s, int8 {:.0f} GMAC/s, f32 {:.0f} GMAC/s, "
      "bf16 {:.0f} GMAC/s\n",
      limits.read_gb_per_s, limits.int8_gmac_per_s, limits.f32_gmac_per_s, limits.bf16_gmac_per_s);
  return {};
}

}  // namespace

Action declare_devices(CLI::App& parser) {
  auto measure = std::make_shared<bool>(false);
  parser.add_flag("--measure", *measure, "measure this machine's limits too (some seconds)");
  return [measure] { return devices(*measure); };
}

}  // namespace chasqui::app
