// chasqui inspect: what is in a GGUF file, and what running it takes.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/json.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "app/commands/command.h"
#include "app/json_io.h"
#include "app/memory_plan.h"
#include "app/model_report.h"
#include "app/model_source.h"
#include "app/printable.h"
#include "model/model.h"
#include "quant/quant_type.h"
#include "text/detokenizer.h"

namespace chasqui::app {
namespace {

namespace json = boost::json;

// Elements of an array that are shown before "...".
constexpr size_t kShownElements = 6;
// Longest text that is shown whole.
constexpr size_t kShownText = 120;

struct InspectArgs {
  std::string model;
  bool as_json = false;
  std::string tensor;
  std::string dump;
  std::shared_ptr<SettingOptions> settings;
};

json::value scalar_json(const gguf::Value& value) {
  if (const auto text = value.as_string()) return json::value(text::to_valid_utf8(*text));
  if (const auto flag = value.as_bool()) return json::value(*flag);
  if (const auto number = value.as_int()) return json::value(*number);
  if (const auto number = value.as_uint()) return json::value(*number);
  const double number = value.as_double().value_or(0.0);
  // JSON has no infinities.
  return std::isfinite(number) ? json::value(number) : json::value(nullptr);
}

json::value element_json(const gguf::Value& value, size_t index) {
  if (const auto text = value.string_at(index)) return json::value(text::to_valid_utf8(*text));
  if (const auto flag = value.bool_at(index)) return json::value(*flag);
  if (const auto number = value.int_at(index)) return json::value(*number);
  const double number = value.double_at(index).value_or(0.0);
  return std::isfinite(number) ? json::value(number) : json::value(nullptr);
}

json::value value_json(const gguf::Value& value) {
  if (value.type() != gguf::ValueType::kArray) return scalar_json(value);
  json::array items;
  for (size_t i = 0; i < value.array_size(); ++i) items.push_back(element_json(value, i));
  return items;
}

std::string value_text(const gguf::Value& value) {
  if (value.type() != gguf::ValueType::kArray) {
    std::string text = json::serialize(scalar_json(value));
    if (text.size() > kShownText) {
      text = fmt::format("{}... ({} bytes)",
                         text.substr(0, text::complete_utf8_prefix(text.substr(0, kShownText))),
                         text.size());
    }
    return text;
  }
  std::vector<std::string> shown;
  for (size_t i = 0; i < std::min(value.array_size(), kShownElements); ++i) {
    shown.push_back(json::serialize(element_json(value, i)));
  }
  return fmt::format("[{}{}] ({} x {})", fmt::join(shown, ", "),
                     value.array_size() > kShownElements ? ", ..." : "", value.array_size(),
                     gguf::value_type_name(value.element_type()));
}

std::span<const int64_t> shape(const gguf::Tensor& tensor) {
  return std::span(tensor.view.dims).first(static_cast<size_t>(tensor.n_dims));
}

void print_as_json(const gguf::File& file, const Result<model::ModelSpec>& spec,
                   const Settings& settings) {
  json::object metadata;
  for (const auto& [key, value] : file.metadata()) metadata[key] = value_json(value);
  json::array tensors;
  for (const gguf::Tensor& tensor : file.tensors()) {
    const auto dims = shape(tensor);
    tensors.push_back({{"name", tensor.name},
                       {"type", std::string(dtype_info(tensor.view.type).name)},
                       {"shape", json::value_from(std::vector<int64_t>(dims.begin(), dims.end()))},
                       {"bytes", tensor.view.bytes.size()}});
  }
  json::object document{{"file", file.path()},
                        {"version", file.version()},
                        {"bytes", file.file_bytes()},
                        {"parts", file.parts().size()},
                        {"metadata", std::move(metadata)},
                        {"tensors", std::move(tensors)}};
  for (auto& [key, value] : report_json(file, spec, settings)) document[key] = std::move(value);
  print_json(document);
}

void print_as_text(const gguf::File& file, const Result<model::ModelSpec>& spec,
                   const Settings& settings) {
  fmt::print("{}: GGUF version {}, {}, {} keys, {} tensors\n\n", file.path(), file.version(),
             format_bytes(file.file_bytes()), file.metadata().size(), file.tensors().size());
  for (const auto& [key, value] : file.metadata()) {
    fmt::print("  {:<44} {}\n", printable(key), value_text(value));
  }
  fmt::print("\n");
  for (const gguf::Tensor& tensor : file.tensors()) {
    fmt::print("  {:<44} {:<8} [{}]\n", printable(tensor.name), dtype_info(tensor.view.type).name,
               fmt::join(shape(tensor), ", "));
  }
  fmt::print("\n{}", report_text(file, spec, settings));
}

// Writes one tensor as little-endian f32, row by row so that memory stays small.
Status dump_tensor(const gguf::File& file, const std::string& name, const std::string& path) {
  const gguf::Tensor* tensor = file.find_tensor(name);
  if (tensor == nullptr) {
    return fail(ErrorCode::kNotFound, fmt::format("{} has no tensor {}", file.path(), name));
  }
  const TensorView& view = tensor->view;
  if (quant::find_quant_type(view.type) == nullptr) {
    return fail(ErrorCode::kUnsupported, fmt::format("{} has type {}, which cannot be decoded",
                                                     name, dtype_info(view.type).name));
  }
  for (const MappedFile& part : file.parts()) {
    std::error_code error;
    if (std::filesystem::equivalent(part.path(), path, error)) {
      return fail(ErrorCode::kInvalidArgument, path + " is the model itself; write elsewhere");
    }
  }
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  std::vector<float> row(static_cast<size_t>(view.cols()));
  const int64_t rows = view.elements() / view.cols();
  const size_t bytes = view.bytes.size() / static_cast<size_t>(rows);
  for (int64_t r = 0; r < rows && out; ++r) {
    quant::decode_row(view.type, view.bytes.data() + static_cast<size_t>(r) * bytes, row);
    out.write(reinterpret_cast<const char*>(row.data()),
              static_cast<std::streamsize>(row.size() * sizeof(float)));
  }
  if (!out.flush()) return fail(ErrorCode::kIo, "cannot write " + path);
  fmt::print(stderr, "{}: {} values of {} [{}] written as f32\n", path, view.elements(), name,
             fmt::join(shape(*tensor), ", "));
  return {};
}

Status inspect(const InspectArgs& args) {
  CHASQUI_TRY(const Settings settings, args.settings->resolve());
  CHASQUI_TRY(const gguf::File file, open_model(args.model, settings));
  if (!args.tensor.empty() || !args.dump.empty()) {
    if (args.tensor.empty() || args.dump.empty()) {
      return fail(ErrorCode::kInvalidArgument, "--tensor NAME and --dump FILE go together");
    }
    return dump_tensor(file, args.tensor, args.dump);
  }
  const Result<model::ModelSpec> spec = model::read_spec(file);
  if (args.as_json) {
    print_as_json(file, spec, settings);
  } else {
    print_as_text(file, spec, settings);
  }
  return {};
}

}  // namespace

Action declare_inspect(CLI::App& parser) {
  auto args = std::make_shared<InspectArgs>();
  parser.add_option("MODEL", args->model, "GGUF file")->required();
  parser.add_flag("--json", args->as_json, "one JSON document, nothing shortened");
  parser.add_option("--tensor", args->tensor, "a tensor to decode, with --dump");
  parser.add_option("--dump", args->dump, "file for its values as little-endian f32");
  args->settings = SettingOptions::add(parser, {"n_ctx", "n_batch", "n_parallel", "type_k",
                                                "type_v", "exact", "pack_weights", "kv_overrides"});
  return [args] { return inspect(*args); };
}

}  // namespace chasqui::app
