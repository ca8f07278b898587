#include "model/tensor_report.h"

#include <fmt/format.h>

#include <set>

#include "model/arch/architecture.h"
#include "model/internal/metadata.h"
#include "model/internal/tensor_list.h"

namespace chasqui::model {

Result<TensorReport> report_tensors(const gguf::File& file, std::string_view table) {
  CHASQUI_TRY(const Metadata metadata, Metadata::open(file));
  const std::string name = table.empty() ? metadata.architecture() : std::string(table);
  const Architecture* architecture = find_architecture(name);
  if (architecture == nullptr) {
    return fail(ErrorCode::kNotFound,
                fmt::format("there is no table for the architecture \"{}\"; there are: {}", name,
                            architecture_names()));
  }
  CHASQUI_TRY(ModelSpec spec, architecture->read_spec(metadata));
  spec.architecture = name;  // of which messages speak

  TensorReport report{.architecture = name};
  std::set<std::string, std::less<>> known;
  for (const ExpectedTensor& expected : expected_tensors(file, *architecture, spec)) {
    known.insert(expected.name);
    const Status fits = check_tensor(file, spec, expected);
    if (!fits) {
      report.problems.push_back(fits.error().message);
    } else if (file.find_tensor(expected.name) != nullptr) {
      ++report.fitting;
    }
  }
  for (const gguf::Tensor& tensor : file.tensors()) {
    if (!known.contains(tensor.name)) report.unknown.push_back(std::string(tensor.name));
  }
  const std::string prefix = metadata.architecture() + ".";
  for (const auto& [key, value] : file.metadata()) {
    if (key.starts_with(prefix) && !metadata.asked().contains(std::string(key))) {
      report.unread_keys.emplace_back(key);
    }
  }
  return report;
}

}  // namespace chasqui::model
