// The op tests of this program run on the CPU backend: on each instruction-set level that the
// machine supports, with the calling thread alone and with a team.
#include <string>

#include "backend/cpu/cpu_backend.h"
#include "backend/testing/op_test.h"

namespace chasqui::backend::testing {

std::vector<std::string> backend_names() {
  std::vector<std::string> names;
  for (const cpu::IsaLevel& level : cpu::isa_levels()) {
    if (!level.supported) continue;
    names.push_back(std::string(level.name) + "/1");
    names.push_back(std::string(level.name) + "/3");
  }
  return names;
}

std::unique_ptr<Backend> make_backend(const std::string& name) {
  const size_t slash = name.find('/');
  cpu::CpuOptions options;
  options.isa = name.substr(0, slash);
  options.threads = std::stoi(name.substr(slash + 1));
  auto backend = cpu::make_cpu_backend(options);
  EXPECT_TRUE(backend) << backend.error().message;
  return std::move(*backend);
}

}  // namespace chasqui::backend::testing
