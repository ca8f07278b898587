// The machine of a JSON schema. It reads JSON text byte by byte and keeps, for each open object
// and list, what every schema that applies there has seen so far; a byte is allowed when the root
// schema may still accept. So allOf, oneOf, not, if and the like need no rewriting, members may
// come in any order, and what is required is a set of bits, not a choice of orders.
//
// A state is a frame that refers to the frame around it; equal frames are equal states.
// White space: nothing or one blank between tokens, or line ends with indentation.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "grammar/internal/frame_words.h"
#include "grammar/internal/interner.h"
#include "grammar/internal/json_string.h"
#include "grammar/internal/machine.h"
#include "grammar/internal/schema.h"
#include "grammar/internal/schema_closure.h"
#include "grammar/internal/schema_verdicts.h"

namespace chasqui::grammar {

class SchemaMachine : public Machine {
 public:
  SchemaMachine(std::shared_ptr<ExprPool> pool, std::shared_ptr<const SchemaGraph> graph);

  StateId start() override { return start_; }
  StateId step(StateId state, uint8_t byte) override;
  bool accepting(StateId state) override;
  Shortcut shortcut(StateId state) override;
  const ByteClasses* byte_classes(StateId state) override;
  size_t bytes_held() const override;
  bool exhausted() const override { return pool_->exhausted(); }

 private:
  enum Kind : uint32_t {
    kNone,
    kValue,
    kText,
    kNumber,
    kLiteral,
    kObject,
    kKey,
    kColon,
    kArray,
    kEnd
  };
  // Where an object or list is. kHolding: a member is being read, in frames above.
  enum Phase : uint32_t { kOpened, kBehindComma, kBehindMember, kHolding };
  using Verdicts = std::vector<Verdict>;

  // The schemas that a value must be checked against, and for whom.
  struct Child {
    std::vector<NodeId> roots;
    struct Dependent {
      uint32_t slot = 0;  // of the container's closure
      uint32_t root = 0;  // index into roots
      bool counts = false;
    };
    std::vector<Dependent> dependents;
    bool all_must_hold = true;  // else whether they must is a question to the frames around
    uint32_t closure = 0;
    ExprId joint_text = kNever;  // with all_must_hold
  };

  struct ValueFrame {
    static constexpr Kind kKind = kValue;
    StateId parent = kDead;
    uint32_t child = 0;
    uint32_t space = 0;

    template <typename Io, typename Self>
    static void pass(Io& io, Self& self) {
      io.word(self.parent);
      io.word(self.child);
      io.word(self.space);
    }
  };
  struct TextFrame {
    static constexpr Kind kKind = kText;
    StateId parent = kDead;
    uint32_t child = 0;
    StringPlace place;
    std::vector<ExprId> exprs;  // one with all_must_hold, else one for each root

    template <typename Io, typename Self>
    static void pass(Io& io, Self& self) {
      io.word(self.parent);
      io.word(self.child);
      io.place(self.place);
      io.rest(self.exprs);
    }
  };
  struct NumberFrame {
    static constexpr Kind kKind = kNumber;
    StateId parent = kDead;
    uint32_t child = 0;
    uint32_t place = 0;
    uint32_t text = 0;  // index into number_texts_; 0 where nobody asks

    template <typename Io, typename Self>
    static void pass(Io& io, Self& self) {
      io.word(self.parent);
      io.word(self.child);
      io.word(self.place);
      io.word(self.text);
    }
  };
  struct ObjectFrame {
    static constexpr Kind kKind = kObject;
    StateId parent = kDead;
    uint32_t child = 0;
    uint32_t phase = kOpened;
    uint32_t space = 0;
    uint32_t count = 0;            // members, up to the closure's count_cap
    std::vector<uint32_t> failed;  // bits by slot
    std::vector<uint32_t> seen;    // bits by key
    std::vector<uint32_t> hashes;  // of other keys, sorted; see hashed_members

    template <typename Io, typename Self>
    static void pass(Io& io, Self& self) {
      io.word(self.parent);
      io.word(self.child);
      io.word(self.phase);
      io.word(self.space);
      io.word(self.count);
      io.list(self.failed);
      io.list(self.seen);
      io.rest(self.hashes);
    }
  };
  struct KeyFrame {
    static constexpr Kind kKind = kKey;
    StateId object = kDead;
    // Keys first to last have `depth` bytes in common with what was read; none: nobody names it.
    uint32_t first = 0;
    uint32_t last = 0;
    uint32_t depth = 0;
    StringPlace place;
    uint32_t hash = 0;
    std::vector<ExprId> exprs;  // of the closure's key_exprs

    template <typename Io, typename Self>
    static void pass(Io& io, Self& self) {
      io.word(self.object);
      io.word(self.first);
      io.word(self.last);
      io.word(self.depth);
      io.place(self.place);
      io.word(self.hash);
      io.rest(self.exprs);
    }
  };
  struct ArrayFrame {
    static constexpr Kind kKind = kArray;
    StateId parent = kDead;
    uint32_t child = 0;
    uint32_t phase = kOpened;
    uint32_t space = 0;
    uint32_t index = 0;               // items, up to the closure's index_cap
    std::vector<uint32_t> failed;     // bits by slot
    std::vector<uint32_t> contained;  // by slot, up to contained_cap

    template <typename Io, typename Self>
    static void pass(Io& io, Self& self) {
      io.word(self.parent);
      io.word(self.child);
      io.word(self.phase);
      io.word(self.space);
      io.word(self.index);
      io.list(self.failed);
      io.rest(self.contained);
    }
  };
  struct AllowedKeys {
    std::vector<bool> named;             // by key
    std::vector<uint32_t> named_before;  // prefix sums
    bool other = false;
  };

  // schema_frames.cc
  Kind kind_of(StateId state) const { return static_cast<Kind>(frames_.get(state)[0]); }
  StateId put_words(const std::vector<uint32_t>& words);
  template <typename Frame>
  StateId put(const Frame& frame) {
    FrameWriter writer(Frame::kKind);
    Frame::pass(writer, frame);
    return put_words(writer.words());
  }
  template <typename Frame>
  Frame frame_at(StateId state) const {
    Frame frame;
    give_room(frame, state);
    FrameReader reader(frames_.get(state));
    Frame::pass(reader, frame);
    return frame;
  }
  // Lists whose lengths are the closure's.
  void give_room(ObjectFrame& frame, StateId state) const;
  void give_room(ArrayFrame& frame, StateId state) const;
  template <typename Frame>
  void give_room(Frame&, StateId) const {}
  size_t depth_of(StateId state) const;
  static bool read_space(uint32_t& space, uint8_t byte);

  // schema_shortcuts.cc
  Shortcut text_shortcut(StateId state);
  Shortcut key_shortcut(StateId state);
  bool any_key_may_go_on(const KeyFrame& frame);
  const ByteClasses* text_classes(const StringPlace& place, BytePartitions::Id told_apart);
  uint32_t closure_of(const std::vector<NodeId>& roots);
  const Closure& closure(uint32_t child) const { return closures_[children_[child].closure]; }

  // schema_verdict_machine part: questions to the frames around. `parent` is the container that a
  // value is a member of, kDead for the document itself.
  template <typename Own>
  Verdicts evaluate(const Closure& closure, const Own& own, const ObjectFrame* object,
                    bool is_final);
  bool may_hold(StateId parent, uint32_t child, const Verdicts& roots);
  bool container_may_hold(StateId container, const std::vector<Child::Dependent>& dependents,
                          const Verdicts& roots);
  bool object_may_hold(const ObjectFrame& frame, const std::vector<Child::Dependent>& dependents,
                       const Verdicts& roots);
  bool array_may_hold(const ArrayFrame& frame, const std::vector<Child::Dependent>& dependents,
                      const Verdicts& roots);
  Verdict object_own(const ObjectFrame& frame, const Closure& closure, uint32_t slot,
                     bool is_final);
  // `pending`: items (0 or 1) being read that `contains` may still count.
  Verdict array_own(const ArrayFrame& frame, const Closure& closure, uint32_t slot, bool is_final,
                    uint32_t pending);
  // The child for `wants`; marks slots in `failed` whose wants nothing can fulfil. kDead when the
  // root schema can then hold no longer.
  template <typename Frame>
  bool make_child(Frame& container, const std::vector<Want>& wants, uint32_t& child);
  bool frame_may_hold(const ObjectFrame& frame, const std::vector<Child::Dependent>& dependents,
                      const Verdicts& roots) {
    return object_may_hold(frame, dependents, roots);
  }
  bool frame_may_hold(const ArrayFrame& frame, const std::vector<Child::Dependent>& dependents,
                      const Verdicts& roots) {
    return array_may_hold(frame, dependents, roots);
  }
  StateId finish(StateId parent, uint32_t child, const Verdicts& roots);

  // schema_values.cc
  StateId step_value(StateId state, uint8_t byte);
  StateId begin_literal(const ValueFrame& frame, int which);
  StateId step_literal(StateId state, uint8_t byte);
  StateId begin_text(const ValueFrame& frame);
  StateId step_text(StateId state, uint8_t byte);
  bool text_may_hold(const TextFrame& frame);
  bool text_may_go_on(const TextFrame& frame);
  bool text_may_hold_after(const TextFrame& frame, std::string_view text);
  StateId close_text(const TextFrame& frame);
  StateId begin_number(const ValueFrame& frame, uint8_t byte);
  StateId step_number(StateId state, uint8_t byte);
  bool number_may_hold(const NumberFrame& frame);
  uint32_t number_text(const Closure& rules, std::string text);
  uint32_t intern_number(std::string text);
  Verdicts number_verdicts(const NumberFrame& frame, bool is_final);
  StateId end_number(const NumberFrame& frame);
  bool kind_may_hold(const ValueFrame& frame, uint8_t bits);

  // schema_containers.cc
  StateId begin_object(const ValueFrame& frame);
  StateId step_object(StateId state, uint8_t byte);
  StateId close_object(const ObjectFrame& frame);
  StateId begin_key(StateId object);
  StateId step_key(StateId state, uint8_t byte);
  StateId close_key(const KeyFrame& frame);
  StateId step_colon(StateId state, uint8_t byte);
  bool key_may_hold(const KeyFrame& frame);
  bool other_key_may_hold(const ObjectFrame& object, const Closure& closure,
                          const std::vector<ExprId>& exprs);
  bool member_may_hold(const ObjectFrame& object, const MemberPlan& plan, uint32_t key);
  const AllowedKeys& allowed_keys(StateId object);
  void count_member(ObjectFrame& object, const Closure& closure, uint32_t key) const;
  StateId begin_array(const ValueFrame& frame);
  StateId step_array(StateId state, uint8_t byte);
  StateId close_array(const ArrayFrame& frame);
  StateId begin_item(const ArrayFrame& frame);

  const std::shared_ptr<ExprPool> pool_;
  const std::shared_ptr<const SchemaGraph> graph_;
  size_t rule_bytes_ = 0;  // of graph_ and closures_
  SchemaOutlook outlook_;
  ClosureBuilder builder_;
  Interner frames_;  // by StateId; 0 is kDead
  std::vector<Closure> closures_;
  Interner closure_ids_;  // by roots
  std::vector<Child> children_;
  Interner child_ids_;
  std::vector<std::string> number_texts_ = {""};
  std::unordered_map<std::string, uint32_t> number_ids_;
  std::unordered_map<StateId, AllowedKeys> allowed_keys_;
  BytePartitions::Id plain_partition_ = BytePartitions::kWhole;  // until it is asked for
  StateId end_ = kDead;
  StateId start_ = kDead;
};

}  // namespace chasqui::grammar
