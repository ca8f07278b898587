#include "engine/internal/test_support.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "base/rng.h"
#include "gguf/writer.h"
#include "text/detokenizer.h"

namespace chasqui::engine::testing {
namespace {

constexpr int64_t kBlock = backend::kKvBlockTokens;

uint64_t hash_of(std::span<const int32_t> tokens) {
  uint64_t hash = 7;
  for (const int32_t token : tokens) {
    hash ^= static_cast<uint64_t>(token) + 0x9e37;
    hash = splitmix64(hash);
  }
  return hash;
}

const backend::SequenceSlice& slice_of(std::span<const backend::SequenceSlice> slices,
                                       int64_t row) {
  for (const auto& slice : slices) {
    if (row >= slice.row_begin && row < slice.row_begin + slice.row_count) return slice;
  }
  throw std::logic_error("a row without a sequence");
}

size_t slot_index(const backend::SequenceSlice& slice, int64_t position) {
  const int64_t block = slice.block_table[static_cast<size_t>(position / kBlock)];
  return static_cast<size_t>(block * kBlock + position % kBlock);
}

int32_t state_after(int32_t state, int32_t token) {
  const auto before = static_cast<uint32_t>(state);
  return static_cast<int32_t>(before * 31 + static_cast<uint32_t>(token) + 7);
}

struct Table {
  std::vector<std::string> tokens{"<unk>", "<s>", "</s>"};
  std::vector<int32_t> types{2, 3, 3};

  Table() {
    for (int b = 0; b < 256; ++b) {
      char name[8];
      std::snprintf(name, sizeof name, "<0x%02X>", b);
      add(name, 6);
    }
    for (const std::string& word : kWords) {
      std::string spelled = word;
      if (spelled.front() == ' ') spelled.replace(0, 1, "\xE2\x96\x81");
      add(spelled, 1);
    }
    add("<|im_end|>", 3);
  }
  void add(const std::string& token, int32_t type) {
    tokens.push_back(token);
    types.push_back(type);
  }
};

Status write_tokenizer(const std::string& path) {
  const Table table;
  gguf::Writer writer;
  writer.add_string("general.architecture", "llama");
  writer.add_string("tokenizer.ggml.model", "llama");
  writer.add_strings("tokenizer.ggml.tokens", table.tokens);
  writer.add_float32s("tokenizer.ggml.scores", std::vector<float>(table.tokens.size(), 0.0f));
  writer.add_int32s("tokenizer.ggml.token_type", table.types);
  writer.add_bool("tokenizer.ggml.add_space_prefix", false);
  CHASQUI_TRY_STATUS(writer.open(path, true));
  return writer.finish();
}

}  // namespace

std::shared_ptr<const text::Tokenizer> byte_tokenizer() {
  const std::string path =
      ::testing::TempDir() + "engine_test_" + std::to_string(getpid()) + ".gguf";
  const Status written = write_tokenizer(path);
  if (!written) throw std::runtime_error(written.error().message);
  auto file = gguf::File::open(path);
  if (!file) throw std::runtime_error(file.error().message);
  auto tokenizer = text::Tokenizer::load(*file);
  std::remove(path.c_str());
  if (!tokenizer) throw std::runtime_error(tokenizer.error().message);
  return *tokenizer;
}

std::vector<int32_t> bytes_of(std::string_view text) {
  std::vector<int32_t> tokens;
  for (const char c : text) tokens.push_back(kFirstByte + static_cast<uint8_t>(c));
  return tokens;
}

int32_t word(std::string_view text) {
  const auto found = std::ranges::find(kWords, text);
  if (found == kWords.end()) throw std::logic_error("no such word");
  return kFirstWord + static_cast<int32_t>(found - kWords.begin());
}

FakeRunner::FakeRunner(Options options, Next next) : options_(options), next_(std::move(next)) {
  specs_.push_back({kBlock, 1, 0});
  if (options_.window > 0) specs_.push_back({kBlock, 1, options_.window});
  if (options_.states > 0) specs_.push_back({kBlock, 1, 0, 3 * kBlock});
  memory_.resize(specs_.size());
  for (auto& slots : memory_) slots.resize(static_cast<size_t>(options_.blocks * kBlock));
}

std::vector<float> FakeRunner::logits_after(std::span<const int32_t> tokens, const Next& next) {
  Rng rng(hash_of(tokens));
  std::vector<float> logits(static_cast<size_t>(kVocabulary));
  for (float& logit : logits) logit = static_cast<float>(rng.uniform());
  if (!next) return logits;
  const int32_t best = next(tokens);
  if (best == kNaN) {
    logits[0] = std::numeric_limits<float>::quiet_NaN();
  } else {
    logits[static_cast<size_t>(best)] = 20.0f;
  }
  return logits;
}

std::vector<float> FakeRunner::hidden_after(std::span<const int32_t> tokens) {
  Rng rng(hash_of(tokens));
  std::vector<float> hidden(4);
  for (float& value : hidden) value = static_cast<float>(rng.normal());
  return hidden;
}

std::vector<float> FakeRunner::hidden_within(std::vector<int32_t> tokens, size_t row) {
  tokens.push_back(static_cast<int32_t>(row));
  return hidden_after(tokens);
}

std::vector<float> FakeRunner::rank_of(std::span<const float> pooled) {
  return {pooled[0] - pooled[3]};
}

model::StepOutputs FakeRunner::forward(const model::StepInputs& inputs) {
  if (before_forward) before_forward();
  largest_logit_request =
      std::max(largest_logit_request.load(), static_cast<int>(inputs.logit_rows.size()));
  EXPECT_LE(static_cast<int64_t>(inputs.tokens.size()), options_.max_rows);
  EXPECT_LE(static_cast<int64_t>(inputs.logit_rows.size()), options_.max_logit_rows);
  for (const BlockCopy& copy : inputs.copies) {
    const auto block = memory_.at(static_cast<size_t>(copy.group)).begin() + copy.from * kBlock;
    std::copy(block, block + kBlock,
              memory_[static_cast<size_t>(copy.group)].begin() + copy.to * kBlock);
  }
  write(inputs);
  logits_.clear();
  hidden_.clear();
  for (const int32_t row : inputs.logit_rows) {
    const auto logits = logits_after(read(inputs, row), next_);
    logits_.insert(logits_.end(), logits.begin(), logits.end());
  }
  for (const int32_t row : inputs.hidden_rows) {
    const auto hidden =
        options_.causal
            ? hidden_after(read(inputs, row))
            : hidden_within(read_whole(inputs, row),
                            static_cast<size_t>(inputs.positions[static_cast<size_t>(row)]));
    hidden_.insert(hidden_.end(), hidden.begin(), hidden.end());
  }
  return {logits_, hidden_};
}

void FakeRunner::write(const model::StepInputs& inputs) {
  for (size_t g = 0; g < specs_.size(); ++g) {
    if (is_state(g)) {
      write_states(inputs.groups[g], inputs, g);
      continue;
    }
    for (int64_t row = 0; row < static_cast<int64_t>(inputs.tokens.size()); ++row) {
      const auto& slice = slice_of(inputs.groups[g], row);
      const int64_t position = slice.kv_begin + row - slice.row_begin;
      EXPECT_EQ(position, inputs.positions[static_cast<size_t>(row)]);
      memory_[g].at(slot_index(slice, position)) = {inputs.tokens[static_cast<size_t>(row)],
                                                    static_cast<int32_t>(position)};
    }
  }
}

// Each from the state before it, whatever that says; a state is the first slot of its block.
void FakeRunner::write_states(std::span<const backend::SequenceSlice> slices,
                              const model::StepInputs& inputs, size_t group) {
  const auto state_of = [&](const backend::SequenceSlice& slice, int64_t position) {
    return slice.block_table[static_cast<size_t>(position / kBlock)];
  };
  for (const backend::SequenceSlice& slice : slices) {
    Slot state{0, -1};
    if (slice.kv_begin > 0) {
      state = memory_[group].at(static_cast<size_t>(state_of(slice, slice.kv_begin - 1) * kBlock));
    }
    for (int64_t i = 0; i < slice.row_count; ++i) {
      const int32_t token = inputs.tokens[static_cast<size_t>(slice.row_begin + i)];
      state = {state_after(state.token, token), state.position + 1};
      const int32_t unit = state_of(slice, slice.kv_begin + i);
      if (unit >= 0) memory_[group].at(static_cast<size_t>(unit * kBlock)) = state;
    }
  }
}

// That the state behind the slice is the one after exactly `tokens`.
void FakeRunner::check_state(const backend::SequenceSlice& slice, size_t group,
                             std::span<const int32_t> tokens) const {
  const auto last = static_cast<int64_t>(tokens.size()) - 1;
  if (last + 1 != slice.kv_begin + slice.row_count) return;  // a row with others behind it
  int32_t expected = 0;
  for (const int32_t token : tokens) expected = state_after(expected, token);
  const int64_t unit = slice.block_table[static_cast<size_t>(last / kBlock)];
  const Slot& state = memory_[group].at(static_cast<size_t>(unit * kBlock));
  EXPECT_EQ(state.position, last) << "a state was written over";
  EXPECT_EQ(state.token, expected) << "a state of another text";
}

std::vector<int32_t> FakeRunner::read(const model::StepInputs& inputs, int32_t row) {
  const auto& slice = slice_of(inputs.groups[0], row);
  const int64_t last = slice.kv_begin + row - slice.row_begin;
  std::vector<int32_t> tokens;
  for (int64_t position = 0; position <= last; ++position) {
    const Slot& slot = memory_[0].at(slot_index(slice, position));
    EXPECT_EQ(slot.position, position) << "a block was written over";
    tokens.push_back(slot.token);
  }
  for (size_t g = 1; g < specs_.size(); ++g) {
    const auto& windowed = slice_of(inputs.groups[g], row);
    if (is_state(g)) {
      check_state(windowed, g, tokens);
      continue;
    }
    for (int64_t p = std::max<int64_t>(0, last - specs_[g].window_tokens + 1); p <= last; ++p) {
      const Slot& slot = memory_[g].at(slot_index(windowed, p));
      EXPECT_EQ(slot.position, p) << "a block of the window was written over";
      EXPECT_EQ(slot.token, tokens[static_cast<size_t>(p)]);
    }
  }
  return tokens;
}

// A text that began before this step would have been cut.
std::vector<int32_t> FakeRunner::read_whole(const model::StepInputs& inputs, int32_t row) {
  const auto& slice = slice_of(inputs.groups[0], row);
  EXPECT_EQ(slice.kv_begin, 0) << "a part of a text";
  return read(inputs, static_cast<int32_t>(slice.row_begin + slice.row_count - 1));
}

int64_t FakeRunner::block_bytes(int) const {
  return kBlock * static_cast<int64_t>(sizeof(Slot));
}

void FakeRunner::read(int group, kv::UnitId unit, std::span<std::byte> to) {
  const auto& slots = memory_.at(static_cast<size_t>(group));
  std::memcpy(to.data(), &slots.at(static_cast<size_t>(unit * kBlock)), to.size());
}

void FakeRunner::write(int group, kv::UnitId unit, std::span<const std::byte> from) {
  auto& slots = memory_.at(static_cast<size_t>(group));
  std::memcpy(&slots.at(static_cast<size_t>(unit * kBlock)), from.data(), from.size());
}

FakeRunner::Next follow(size_t prompt_tokens, std::vector<int32_t> script) {
  return [prompt_tokens, script = std::move(script)](std::span<const int32_t> tokens) {
    const size_t answered = tokens.size() - std::min(prompt_tokens, tokens.size());
    return answered < script.size() ? script[answered] : kEos;
  };
}

void Collector::on_event(Event event) {
  const std::lock_guard lock(mutex_);
  EXPECT_FALSE(last_) << "an event after the last";
  last_ = event.finish.has_value() || event.error.has_value();
  EXPECT_EQ(text::to_valid_utf8(event.text), event.text);
  EXPECT_TRUE(last_ || !event.text.empty() || !event.tokens.empty()) << "an event without news";
  events_.push_back(std::move(event));
  changed_.notify_all();
}

Event Collector::wait() {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, std::chrono::minutes(1), [this] { return last_; })) {
    ADD_FAILURE() << "the request never ended";
    return {};
  }
  Event merged = events_.back();
  merged.text.clear();
  merged.tokens.clear();
  for (const Event& event : events_) {
    merged.text += event.text;
    merged.tokens.insert(merged.tokens.end(), event.tokens.begin(), event.tokens.end());
  }
  return merged;
}

void Collector::wait_for_events(size_t count) {
  std::unique_lock lock(mutex_);
  EXPECT_TRUE(changed_.wait_for(lock, std::chrono::minutes(1),
                                [this, count] { return events_.size() >= count; }));
}

size_t Collector::events() const {
  const std::lock_guard lock(mutex_);
  return events_.size();
}

std::vector<Event> Collector::all() const {
  const std::lock_guard lock(mutex_);
  return events_;
}

Request greedy(std::vector<int32_t> prompt, int64_t max_tokens, std::shared_ptr<Collector> sink) {
  Request request;
  request.prompt = std::move(prompt);
  request.max_tokens = max_tokens;
  request.sampling.temperature = 0.0f;
  request.sampling.repeat_penalty = 1.0f;
  request.sink = std::move(sink);
  return request;
}

}  // namespace chasqui::engine::testing
