#include "model/model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <numeric>

#include "backend/backend.h"
#include "model/internal/rope_tables.h"
#include "model/row_cost.h"
#include "model/session.h"
#include "model/tensor_report.h"
#include "support/golden.h"
#include "support/tiny_model.h"

namespace chasqui::model {
namespace {

using testing::TemporaryFile;
using testing::TinyModel;

// A model in a file of its own, loaded on the reference backend.
struct Fixture {
  explicit Fixture(const TinyModel& tiny)
      : file(".gguf"), backend(backend::make_reference_backend()) {
    testing::write_tiny_model(tiny, file.path());
    gguf = std::make_unique<gguf::File>(std::move(*gguf::File::open(file.path())));
  }
  Result<std::unique_ptr<Model>> load() { return Model::load(*gguf, *backend, {}); }
  std::unique_ptr<Model> load_with_cache(int64_t blocks) {
    auto model = load();
    EXPECT_TRUE(model) << model.error().message;
    EXPECT_TRUE((*model)->allocate_cache({.blocks = {blocks}}));
    return std::move(*model);
  }

  TemporaryFile file;
  std::unique_ptr<backend::Backend> backend;
  std::unique_ptr<gguf::File> gguf;
};

std::vector<int32_t> some_tokens(int64_t count, int64_t vocab) {
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < count; ++i) tokens.push_back(static_cast<int32_t>(i * 37 % vocab));
  return tokens;
}

std::vector<float> last_logits(Model& model, std::span<const int32_t> tokens, int64_t chunk) {
  Session session(model, 128);
  const int64_t wanted[] = {static_cast<int64_t>(tokens.size()) - 1};
  auto logits = session.feed(tokens, wanted, chunk);
  EXPECT_TRUE(logits) << logits.error().message;
  return std::move(*logits);
}

TEST(RowCost, AttentionIsEvenWithTheProductsWhereItWasMeasured) {
  ModelSpec spec;  // TinyLlama 1.1B
  spec.hidden = 2048;
  spec.layers.assign(22, {.heads = 32, .kv_heads = 4, .key_dim = 64, .value_dim = 64, .ffn = 5632});
  EXPECT_NEAR(static_cast<double>(even_depth(spec)), 3200, 600);
  const int64_t dense = even_depth(spec);
  spec.layers[0].window = 1024;
  EXPECT_GT(even_depth(spec), dense);
  for (LayerSpec& layer : spec.layers) layer.window = 1024;
  EXPECT_EQ(even_depth(spec), 0);
}

TEST(Model, ChunksDoNotChangeABit) {
  for (const TinyModel& tiny :
       {TinyModel{}, TinyModel{.tied = true}, TinyModel{.experts = 5, .experts_used = 2}}) {
    Fixture fixture(tiny);
    const auto model = fixture.load_with_cache(8);
    const auto tokens = some_tokens(61, tiny.vocab);
    const auto whole = last_logits(*model, tokens, 0);
    ASSERT_EQ(static_cast<int64_t>(whole.size()), tiny.vocab);
    for (const int64_t chunk : {1, 7, 16, 60}) {
      EXPECT_EQ(last_logits(*model, tokens, chunk), whole) << chunk;
    }
  }
}

TEST(Model, StrangersInTheBatchDoNotChangeABit) {
  Fixture fixture(TinyModel{});
  const auto model = fixture.load_with_cache(24);
  const auto tokens = some_tokens(20, 300);
  const auto alone = last_logits(*model, tokens, 0);

  // The same prompt as the second of three sequences of one step.
  std::vector<Session> sessions = {Session(*model, 128, 0), Session(*model, 128, 1),
                                   Session(*model, 128, 2)};
  std::vector<int32_t> batch = some_tokens(5, 290);
  std::vector<int32_t> positions(5);
  std::iota(positions.begin(), positions.end(), 0);
  const std::vector<backend::SequenceSlice> slices = {
      sessions[0].slice(0, 0, 5), sessions[1].slice(0, 5, 20), sessions[2].slice(0, 25, 3)};
  batch.insert(batch.end(), tokens.begin(), tokens.end());
  for (int32_t i = 0; i < 20; ++i) positions.push_back(i);
  for (int32_t i = 0; i < 3; ++i) {
    batch.push_back(7);
    positions.push_back(i);
  }
  const std::span<const backend::SequenceSlice> group(slices);
  const int32_t rows[] = {24};
  const auto outputs = model->forward({.tokens = batch,
                                       .positions = positions,
                                       .groups = std::span(&group, 1),
                                       .logit_rows = rows,
                                       .hidden_rows = rows});
  EXPECT_TRUE(std::ranges::equal(outputs.logits, alone));
  EXPECT_EQ(outputs.hidden.size(), 64u);
}

TEST(RecurrentModel, ChunksAndStrangersDoNotChangeABit) {
  Fixture fixture(TinyModel{.layers = 3, .recurrent = true});
  const auto model = fixture.load();
  ASSERT_TRUE(model) << model.error().message;
  ASSERT_TRUE((*model)->allocate_cache({.blocks = session_blocks(**model, 128, 2)}));
  const auto tokens = some_tokens(61, 300);
  const auto whole = last_logits(**model, tokens, 0);
  const int64_t last[] = {60};
  Session session(**model, 128);
  Session stranger(**model, 128, 1);
  for (const int64_t chunk : {1, 7, 16, 60}) {
    session.truncate(0);
    // A stranger's steps between one's own must not reach the state.
    const std::span<const int32_t> all(tokens);
    ASSERT_TRUE(session.feed(all.first(30), {}, chunk));
    ASSERT_TRUE(stranger.feed(some_tokens(9, 290), {}));
    const int64_t last_of_rest[] = {last[0] - 30};
    EXPECT_EQ(session.feed(all.subspan(30), last_of_rest, chunk).value(), whole) << chunk;
  }
  EXPECT_FALSE(session.can_truncate(60)) << "a state cannot go back";
}

TEST(RecurrentModel, HasAGroupOfStates) {
  Fixture fixture(TinyModel{.layers = 3, .recurrent = true});
  const auto model = fixture.load();
  ASSERT_TRUE(model) << model.error().message;
  const auto groups = (*model)->cache_groups(DType::kF16, DType::kF16);
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].state_every_tokens, 0);
  EXPECT_EQ(groups[0].bytes_per_block, 16 * 2 * 32 * 2) << "one layer of attention";
  EXPECT_GT(groups[1].state_every_tokens, 0);
  EXPECT_EQ(groups[1].bytes_per_block, 2 * 2 * 64 * 4) << "two layers, two tokens each";
}

TEST(Model, TruncatedSessionsGoOnAsIfNothingHadFollowed) {
  Fixture fixture(TinyModel{});
  const auto model = fixture.load_with_cache(8);
  const auto tokens = some_tokens(30, 300);
  Session session(*model, 128);
  const int64_t last[] = {29};
  const auto first = session.feed(tokens, last);
  session.truncate(10);
  const int64_t again[] = {19};
  EXPECT_EQ(session.feed(std::span(tokens).subspan(10), again).value(), first.value());
  EXPECT_EQ(session.feed(some_tokens(99, 300), {}).error().code, ErrorCode::kContextLength);
}

// What is wrong with a model, and what the error must name.
struct BadModel {
  const char* what;
  TinyModel model;
  const char* named;
};

TinyModel with_value(std::string key, std::function<void(gguf::Writer&, const std::string&)> add) {
  TinyModel tiny;
  tiny.leave_out = {key};
  tiny.more_metadata = [key, add = std::move(add)](gguf::Writer& writer) { add(writer, key); };
  return tiny;
}

TinyModel with_int(const std::string& key, uint64_t value) {
  return with_value(key, [value](gguf::Writer& writer, const std::string& name) {
    writer.add_uint64(name, value);
  });
}

TinyModel without(const std::string& key) {
  TinyModel tiny;
  tiny.leave_out = {key};
  return tiny;
}

TEST(Model, MetadataThatMakesNoSenseIsRefusedByName) {
  const auto text = [](gguf::Writer& writer, const std::string& key) {
    writer.add_string(key, "many");
  };
  const auto three = [](gguf::Writer& writer, const std::string& key) {
    const int32_t values[] = {4, 4, 4};
    writer.add_int32s(key, values);
  };
  TinyModel no_query;
  no_query.leave_out_tensors = {"blk.1.attn_q.weight"};
  TinyModel gemma_with_experts;
  gemma_with_experts.leave_out = {"general.architecture"};
  gemma_with_experts.more_metadata = [](gguf::Writer& writer) {
    writer.add_string("general.architecture", "gemma");
    for (const char* key : {"embedding_length", "context_length", "block_count"}) {
      writer.add_uint32(std::string("gemma.") + key, key[0] == 'e' ? 64 : key[0] == 'b' ? 2 : 256);
    }
    writer.add_uint32("gemma.feed_forward_length", 96);
    writer.add_uint32("gemma.attention.head_count", 4);
    writer.add_uint32("gemma.attention.head_count_kv", 2);
    writer.add_uint32("gemma.expert_count", 4);
    writer.add_uint32("gemma.expert_used_count", 2);
  };
  const BadModel cases[] = {
      {"no architecture", without("general.architecture"), "general.architecture"},
      {"no width", without("llama.embedding_length"), "llama.embedding_length"},
      {"2^40 layers", with_int("llama.block_count", 1ull << 40), "llama.block_count"},
      {"no layers", with_int("llama.block_count", 0), "llama.block_count"},
      {"more layers than tensors", with_int("llama.block_count", 3), "blk.2.attn_norm.weight"},
      {"a text for a number", with_value("llama.block_count", text), "llama.block_count"},
      {"no heads", with_int("llama.attention.head_count", 0), "llama.attention.head_count"},
      {"odd groups", with_int("llama.attention.head_count_kv", 3), "llama.attention.head_count_kv"},
      {"three values for two layers", with_value("llama.attention.head_count", three), "3 values"},
      {"other shape", with_int("llama.feed_forward_length", 95), "blk.0.ffn_gate.weight"},
      {"odd rotation", with_int("llama.rope.dimension_count", 15), "llama.rope.dimension_count"},
      {"more used than there are", TinyModel{.experts = 2, .experts_used = 3},
       "llama.expert_used_count"},
      {"missing tensor", no_query, "blk.1.attn_q.weight"},
      {"experts of a model without a table for them", gemma_with_experts, "layer 0 has a router"},
  };
  for (const BadModel& bad : cases) {
    SCOPED_TRACE(bad.what);
    Fixture fixture(bad.model);
    const auto model = fixture.load();
    ASSERT_FALSE(model);
    EXPECT_NE(model.error().message.find(bad.named), std::string::npos) << model.error().message;
    EXPECT_NE(model.error().message.find(fixture.file.path()), std::string::npos)
        << model.error().message;
  }
}

TEST(Model, AnUnknownArchitectureIsNamedWithTheKnownOnes) {
  Fixture fixture(with_value("general.architecture", [](gguf::Writer& writer, const auto& key) {
    writer.add_string(key, "hal9000");
  }));
  const auto model = fixture.load();
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(model.error().message.find("hal9000"), std::string::npos);
  EXPECT_NE(model.error().message.find("llama"), std::string::npos);
}

// Bytes of a tensor's entry in the directory between its name and its type: the number of
// dimensions and two of them.
constexpr size_t kToType = 4 + 2 * 8;

TEST(Model, ATypeThatCannotBeComputedWithIsNamedBeforeAnythingIsLoaded) {
  Fixture fixture(TinyModel{});
  const std::string name = "blk.1.attn_q.weight";
  std::string bytes = testing::read_file(fixture.file.path());
  const auto code = static_cast<char>(DType::kI32);  // as wide as the f32 that it replaces
  bytes.replace(bytes.find(name) + name.size() + kToType, 1, 1, code);
  const TemporaryFile other(".gguf");
  std::ofstream(other.path(), std::ios::binary) << bytes;
  const auto file = gguf::File::open(other.path());
  ASSERT_TRUE(file) << file.error().message;
  const auto model = Model::load(*file, *fixture.backend, {});
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, ErrorCode::kUnsupported);
  for (const char* part : {name.c_str(), "I32", "Q4_K"}) {
    EXPECT_NE(model.error().message.find(part), std::string::npos) << model.error().message;
  }
}

TEST(TensorReport, ListsEverythingThatIsMissingOrNotRead) {
  TinyModel tiny;
  tiny.leave_out_tensors = {"blk.0.attn_k.weight", "blk.1.ffn_up.weight"};
  tiny.more_metadata = [](gguf::Writer& writer) { writer.add_uint32("llama.nobody_reads_me", 1); };
  Fixture fixture(tiny);
  const auto report = report_tensors(*fixture.gguf);
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_EQ(report->problems.size(), 2u);
  EXPECT_NE(report->problems[0].find("blk.0.attn_k.weight"), std::string::npos);
  EXPECT_NE(report->problems[1].find("blk.1.ffn_up.weight"), std::string::npos);
  EXPECT_EQ(report->unread_keys, std::vector<std::string>{"llama.nobody_reads_me"});
  EXPECT_TRUE(report->unknown.empty());
  EXPECT_EQ(report->fitting, static_cast<int64_t>(fixture.gguf->tensors().size()));

  // Two norms of two layers are too few for the one table, gates too many for the other.
  EXPECT_EQ(report_tensors(*fixture.gguf, "gemma2")->problems.size(), 2u + 4u);
  EXPECT_EQ(report_tensors(*fixture.gguf, "starcoder2")->unknown.size(), 2u);
  const auto none = report_tensors(*fixture.gguf, "hal9000");
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message.find("starcoder2"), std::string::npos);
}

TEST(RopeTable, ScalesFrequencies) {
  RopeSpec spec;
  spec.rotated = 8;
  const RopeTable plain(spec, nullptr);
  EXPECT_DOUBLE_EQ(plain.frequencies()[0], 1.0);
  EXPECT_NEAR(plain.frequencies()[2], 0.01, 1e-12);

  spec.scaling = RopeScaling::kLinear;
  spec.factor = 4;
  const float factors[] = {1, 2, 4, 8};
  const RopeTable linear(spec, factors);
  EXPECT_DOUBLE_EQ(linear.frequencies()[0], 0.25);
  EXPECT_NEAR(linear.frequencies()[2], 0.01 / 16, 1e-12);

  // YaRN keeps the fastest pair, stretches the slowest, and turns up the magnitude.
  spec.scaling = RopeScaling::kYarn;
  spec.original_context = 64;
  const RopeTable yarn(spec, nullptr);
  EXPECT_DOUBLE_EQ(yarn.frequencies()[0], 1.0);
  EXPECT_NEAR(yarn.frequencies()[3], 0.001 / 4, 1e-12);
  const int32_t origin[] = {0};
  std::vector<float> table(8);
  yarn.fill(origin, table.data());
  EXPECT_NEAR(table[0], 1.0 + 0.1 * std::log(4.0), 1e-6);
  EXPECT_EQ(table[1], 0.0f);
}

}  // namespace
}  // namespace chasqui::model
