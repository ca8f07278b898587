// What the engine's tests share: a tokenizer of bytes, a model that computes a hash or follows a
// script, and a sink that collects. Not part of the engine.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"

namespace chasqui::engine::testing {

// 0 <unk>, 1 <s>, 2 </s>, 3 + b the byte b, then the words below, then <|im_end|>.
constexpr int32_t kUnk = 0;
constexpr int32_t kBos = 1;
constexpr int32_t kEos = 2;
constexpr int32_t kFirstByte = 3;
constexpr int32_t kFirstWord = kFirstByte + 256;
inline const std::vector<std::string> kWords = {"hello", " world", "ab", "STOP", "ST", "OP", "é"};
inline const int32_t kImEnd = kFirstWord + static_cast<int32_t>(kWords.size());
inline const int32_t kVocabulary = kImEnd + 1;

std::shared_ptr<const text::Tokenizer> byte_tokenizer();
std::vector<int32_t> bytes_of(std::string_view text);  // one token a byte
int32_t word(std::string_view text);                   // one of kWords

// Its own view of the cache: each slot remembers which token was written for which position, and
// every row checks that all it can see is its own sequence. `next` gets the tokens that the row
// reads from there and names the best next one; other logits are a hash of the same tokens.
class FakeRunner : public ModelRunner, kv::BlockMover {
 public:
  struct Options {
    int64_t blocks = 256;
    int64_t max_rows = 64;
    int64_t max_logit_rows = 16;
    int64_t window = 0;  // > 0: a group more, with this window
    int64_t states = 0;  // > 0: a group more, of so many recurrent states
    bool causal = true;  // false: rows see the whole of their text
    bool ranks = false;  // with a head, see rank_of()
  };
  using Next = std::function<int32_t(std::span<const int32_t> tokens)>;
  // What `next` answers for a model that is broken there: one of the logits is no number.
  static constexpr int32_t kNaN = -1;

  explicit FakeRunner(Options options, Next next = nullptr);

  int32_t vocab_size() const override { return kVocabulary; }
  int32_t hidden_size() const override { return 4; }
  std::span<const CacheSpec> cache_groups() const override { return specs_; }
  int64_t cache_blocks(int group) const override {
    return is_state(static_cast<size_t>(group)) ? options_.states : options_.blocks;
  }
  int64_t max_rows() const override { return options_.max_rows; }
  int64_t max_logit_rows() const override { return options_.max_logit_rows; }
  bool causal() const override { return options_.causal; }
  int32_t rank_outputs() const override { return options_.ranks ? 1 : 0; }
  std::vector<float> rank(std::vector<float> pooled) override { return rank_of(pooled); }
  model::StepOutputs forward(const model::StepInputs& inputs) override;
  kv::BlockMover* block_mover() override { return this; }

  // The same functions without engine and cache.
  static std::vector<float> logits_after(std::span<const int32_t> tokens, const Next& next);
  static std::vector<float> hidden_after(std::span<const int32_t> tokens);
  // Of row `row` of a text that it sees whole.
  static std::vector<float> hidden_within(std::vector<int32_t> tokens, size_t row);
  static std::vector<float> rank_of(std::span<const float> pooled);  // [1]

  std::function<void()> before_forward;       // on the engine thread; set before the engine starts
  std::atomic<int> largest_logit_request{0};  // rows

 private:
  struct Slot {
    int32_t token = -1;  // of a recurrent state: a hash of all tokens up to here
    int32_t position = -1;
  };
  bool is_state(size_t group) const { return specs_[group].state_every_tokens > 0; }
  void write(const model::StepInputs& inputs);
  void write_states(std::span<const backend::SequenceSlice> slices, const model::StepInputs& inputs,
                    size_t group);
  void check_state(const backend::SequenceSlice& slice, size_t group,
                   std::span<const int32_t> tokens) const;
  std::vector<int32_t> read(const model::StepInputs& inputs, int32_t row);
  std::vector<int32_t> read_whole(const model::StepInputs& inputs, int32_t row);
  int64_t block_bytes(int group) const override;
  void read(int group, kv::UnitId unit, std::span<std::byte> to) override;
  void write(int group, kv::UnitId unit, std::span<const std::byte> from) override;

  Options options_;
  Next next_;
  std::vector<CacheSpec> specs_;
  std::vector<std::vector<Slot>> memory_;
  std::vector<float> logits_;
  std::vector<float> hidden_;
};

// Answers `script` token by token after any prompt of `prompt_tokens` tokens, then </s>.
FakeRunner::Next follow(size_t prompt_tokens, std::vector<int32_t> script);

class Collector : public EventSink {
 public:
  void on_event(Event event) override;

  // Waits (at most a minute) for the last event and returns all of them merged into one.
  Event wait();
  // Waits until so many events have come.
  void wait_for_events(size_t count);
  size_t events() const;
  std::vector<Event> all() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Event> events_;
  bool last_ = false;
};

// A greedy request without penalties.
Request greedy(std::vector<int32_t> prompt, int64_t max_tokens, std::shared_ptr<Collector> sink);

}  // namespace chasqui::engine::testing
