// One render in progress: its variables, its output, the objects that it made, and its account of
// what it has used. Made by Template::render() on its stack; one thread.
#pragma once

#include <cstdint>
#include <ctime>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jinja/internal/object.h"
#include "jinja/template.h"

namespace chasqui::jinja {

// Number of a variable's name within its template.
using NameId = int;

// Variables of one block. Looking one up walks to the outer scopes.
struct Scope {
  Scope* outer = nullptr;
  std::vector<std::pair<NameId, Value>> names;
  bool captured = false;  // a macro may look into it after its block has ended
};

class Machine {
 public:
  explicit Machine(const RenderOptions& options);

  // nullptr when no scope has it.
  const Value* find(NameId name) const;
  void set(NameId name, Value value);

  // Output goes to the innermost Capture, or is the render's result.
  void write(const Text& text);
  void write(std::string_view bytes, bool trusted);
  Text take_output() { return std::move(output_); }

  // Accounts; each throws a limit fault when its bound is hit.
  void step() { use_steps(1); }
  void work(size_t bytes) { use_steps(static_cast<int64_t>(bytes / kBytesPerStep)); }  // read
  void charge(size_t bytes);  // made: counts as work too
  void enter();               // one level deeper, until leave()
  void leave() { --depth_; }

  template <typename T, typename... Args>
  T& make(Args&&... args) {
    charge(sizeof(T));
    auto object = std::make_unique<T>(std::forward<Args>(args)...);
    T& made = *object;
    objects_.push_back(std::move(object));
    return made;
  }

  Scope* scope() { return scope_; }
  void mark_captured();  // all scopes from here outwards
  const RenderOptions& options() const { return options_; }

  int line = 0;    // of the node that runs, for errors
  Value captured;  // what {% filter %} and {% set %} blocks hand to their filters

 private:
  friend class ScopeGuard;
  friend class Capture;
  // Reading or writing this much costs about what one node does.
  static constexpr size_t kBytesPerStep = 64;

  void use_steps(int64_t count);

  const RenderOptions& options_;
  int64_t steps_left_;
  size_t bytes_left_;
  int depth_ = 0;
  Scope* scope_ = nullptr;
  std::vector<std::unique_ptr<Scope>> free_scopes_;
  std::vector<std::unique_ptr<Scope>> captured_scopes_;
  std::deque<std::unique_ptr<Object>> objects_;
  Text output_;
  bool capturing_ = false;
};

// A scope for the lifetime of this object.
class ScopeGuard {
 public:
  explicit ScopeGuard(Machine& machine) : ScopeGuard(machine, machine.scope_) {}
  // Within `outer` instead of the current scope: how macros run where they were defined.
  ScopeGuard(Machine& machine, Scope* outer);
  ~ScopeGuard();
  ScopeGuard(const ScopeGuard&) = delete;
  ScopeGuard& operator=(const ScopeGuard&) = delete;

 private:
  Machine& machine_;
  Scope* const before_;
  std::unique_ptr<Scope> own_;
};

// Collects what is written during its lifetime.
class Capture {
 public:
  explicit Capture(Machine& machine);
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  Text take() { return std::move(machine_.output_); }

 private:
  Machine& machine_;
  Text before_;
  const bool was_capturing_;
};

// One level of depth for the lifetime of this object.
class DepthGuard {
 public:
  explicit DepthGuard(Machine& machine) : machine_(machine) { machine.enter(); }
  ~DepthGuard() { machine_.leave(); }
  DepthGuard(const DepthGuard&) = delete;
  DepthGuard& operator=(const DepthGuard&) = delete;

 private:
  Machine& machine_;
};

}  // namespace chasqui::jinja
