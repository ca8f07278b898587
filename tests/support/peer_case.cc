#include "support/peer_case.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <span>
#include <stdexcept>

#include "base/rng.h"
#include "gguf/file.h"
#include "gguf/writer.h"
#include "model/arch/architecture.h"
#include "model/internal/tensor_list.h"
#include "support/golden.h"
#include "support/source_dir.h"
#include "support/tiny_model.h"

namespace chasqui::testing {
namespace {

namespace json = boost::json;

struct PlannedTensor {
  std::string name;
  std::vector<int64_t> dims;
  model::Form form = model::Form::kMatrix;
};

template <typename T>
T require(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}
void require(const Status& status) {
  if (!status) throw std::runtime_error(status.error().message);
}

void add_value(gguf::Writer& writer, std::string_view key, const json::value& value) {
  if (value.is_string()) return writer.add_string(key, std::string_view(value.as_string()));
  if (value.is_bool()) return writer.add_bool(key, value.as_bool());
  if (value.is_double()) return writer.add_float32(key, static_cast<float>(value.as_double()));
  if (value.is_array()) return writer.add_int32s(key, numbers<int32_t>(value));
  writer.add_uint32(key, value.to_number<uint32_t>());
}

void add_metadata(const json::object& model, gguf::Writer& writer) {
  const json::object& metadata = model.at("metadata").as_object();
  for (const auto& [key, value] : metadata) add_value(writer, key, value);
  const std::string architecture(metadata.at("general.architecture").as_string());
  writer.add_uint32(architecture + ".vocab_size", model.at("vocab").to_number<uint32_t>());
  writer.add_string("tokenizer.ggml.model", "no_vocab");
}

std::set<std::string> optional_tensors(const json::object& model) {
  std::set<std::string> names;
  for (const auto& name : model.at("optional_tensors").as_array()) {
    names.emplace(name.as_string());
  }
  return names;
}

std::string in_layer(const std::string& rule, size_t layer) {
  return rule.starts_with("blk.{}") ? fmt::format(fmt::runtime(rule), layer) : rule;
}

// A file from which an architecture can read what it asks for before it knows shapes: the metadata
// and the names of the optional tensors.
void write_outline(const json::object& model, const std::string& path) {
  gguf::Writer writer;
  add_metadata(model, writer);
  std::vector<std::vector<int64_t>> shapes = {{1, model.at("vocab").to_number<int64_t>()}};
  writer.declare_tensor("token_embd.weight", DType::kF32, shapes[0]);
  int64_t values = shapes[0][1];
  const std::string architecture(model.at("metadata").at("general.architecture").as_string());
  const auto layers = model.at("metadata").at(architecture + ".block_count").to_number<size_t>();
  std::set<std::string> names;
  for (const std::string& rule : optional_tensors(model)) {
    for (size_t layer = 0; layer < layers; ++layer) names.insert(in_layer(rule, layer));
  }
  constexpr int64_t kOne[] = {1};
  for (const std::string& name : names) writer.declare_tensor(name, DType::kF32, kOne);
  values += static_cast<int64_t>(names.size());
  require(writer.open(path, true));
  const std::vector<float> zeros(static_cast<size_t>(values), 0.0f);
  require(writer.append(std::as_bytes(std::span(zeros))));
  require(writer.finish());
}

std::vector<PlannedTensor> plan_tensors(const json::object& model) {
  const TemporaryFile outline(".gguf");
  write_outline(model, outline.path());
  const auto file = require(gguf::File::open(outline.path()));
  const auto metadata = require(model::Metadata::open(file));
  const auto* architecture = model::find_architecture(metadata.architecture());
  if (architecture == nullptr) throw std::runtime_error("unknown: " + metadata.architecture());
  const auto spec = require(architecture->read_spec(metadata));
  const std::set<std::string> wanted = optional_tensors(model);
  std::set<std::string> unused = wanted;
  std::vector<PlannedTensor> plan;
  for (const auto& expected : model::expected_tensors(file, *architecture, spec)) {
    const std::string rule(expected.rule->name);
    if (expected.may_be_absent && !wanted.contains(rule) && !wanted.contains(expected.name)) {
      continue;
    }
    unused.erase(rule);
    unused.erase(expected.name);
    // One tensor may fill two slots.
    if (std::ranges::find(plan, expected.name, &PlannedTensor::name) != plan.end()) continue;
    PlannedTensor tensor{expected.name, {}, expected.rule->form};
    for (const int64_t size : expected.shape) tensor.dims.push_back(std::max<int64_t>(size, 1));
    while (tensor.dims.size() > 1 && tensor.dims.back() == 1) tensor.dims.pop_back();
    plan.push_back(std::move(tensor));
  }
  if (!unused.empty()) throw std::runtime_error("no such optional tensor: " + *unused.begin());
  return plan;
}

// FNV-1a.
uint64_t hash(std::string_view text) {
  uint64_t value = 0xcbf29ce484222325ull;
  for (const char c : text) value = (value ^ static_cast<uint8_t>(c)) * 0x100000001b3ull;
  return value;
}

std::vector<float> random_values(const PlannedTensor& tensor, uint64_t seed, double output_scale) {
  int64_t count = 1;
  for (const int64_t dim : tensor.dims) count *= dim;
  double mean = 0;
  double deviation = 0.3;
  const bool is_factor = tensor.name.starts_with("rope_f");
  if (tensor.form == model::Form::kMatrix) {
    deviation = 1 / std::sqrt(static_cast<double>(tensor.dims[0]));
    if (tensor.name == "output.weight") deviation *= output_scale;
  } else if (tensor.form == model::Form::kTable) {
    deviation = 1;
  } else if (is_factor ||
             (tensor.name.ends_with("weight") && !tensor.name.ends_with("sinks.weight"))) {
    mean = 1;
  }
  Rng rng(seed ^ hash(tensor.name));
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) {
    const double noise = rng.normal() * deviation;
    value = static_cast<float>(mean + (is_factor ? std::abs(noise) : noise));
  }
  return values;
}

}  // namespace

PeerCase read_peer_case(const std::filesystem::path& path) {
  return {path.stem().string(), read_json(path).as_object(), path};
}

std::vector<PeerCase> peer_cases() {
  std::vector<PeerCase> cases;
  for (const auto& entry : std::filesystem::directory_iterator(source_dir() / "tests/peer/cases")) {
    cases.push_back(read_peer_case(entry.path()));
  }
  std::ranges::sort(cases, {}, &PeerCase::name);
  return cases;
}

json::object peer_results(const PeerCase& described) {
  json::object results =
      read_json(described.path.parent_path() / "../expected" / (described.name + ".json"))
          .as_object();
  results["best_suffix"] = "";
  if (const auto* wider = described.model.if_contains("tolerance")) results["tolerance"] = *wider;
  return results;
}

void write_peer_model(const PeerCase& described, const std::string& path) {
  const json::object& model = described.model;
  const auto plan = plan_tensors(model);
  gguf::Writer writer;
  add_metadata(model, writer);
  for (const auto& tensor : plan) writer.declare_tensor(tensor.name, DType::kF32, tensor.dims);
  require(writer.open(path, true));
  const auto* scale = model.if_contains("output_scale");
  for (const auto& tensor : plan) {
    const auto values = random_values(tensor, model.at("seed").to_number<uint64_t>(),
                                      scale != nullptr ? scale->to_number<double>() : 3.0);
    require(writer.append(std::as_bytes(std::span(values))));
  }
  require(writer.finish());
}

}  // namespace chasqui::testing
