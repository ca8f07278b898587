#include "jinja/internal/machine.h"

#include <algorithm>

#include "jinja/internal/fault.h"

namespace chasqui::jinja {

Machine::Machine(const RenderOptions& options)
    : options_(options),
      steps_left_(options.limits.steps),
      bytes_left_(options.limits.made_bytes) {}

const Value* Machine::find(NameId name) const {
  for (const Scope* scope = scope_; scope != nullptr; scope = scope->outer) {
    for (const auto& [known, value] : scope->names) {
      if (known == name) return &value;
    }
  }
  return nullptr;
}

void Machine::set(NameId name, Value value) {
  for (auto& [known, held] : scope_->names) {
    if (known != name) continue;
    held = std::move(value);
    return;
  }
  scope_->names.emplace_back(name, std::move(value));
}

void Machine::write(const Text& text) {
  text.each_run([this](std::string_view bytes, bool trusted) { write(bytes, trusted); });
}

void Machine::write(std::string_view bytes, bool trusted) {
  if (capturing_) {
    charge(bytes.size());
  } else if (output_.size() + bytes.size() > options_.limits.output_bytes) {
    limit_fault("the output has more than " + std::to_string(options_.limits.output_bytes) +
                " bytes");
  }
  work(bytes.size());
  output_.append(bytes, trusted);
}

void Machine::charge(size_t bytes) {
  if (bytes > bytes_left_) {
    limit_fault("strings and lists take more than " + std::to_string(options_.limits.made_bytes) +
                " bytes");
  }
  bytes_left_ -= bytes;
  work(bytes);
}

void Machine::enter() {
  if (++depth_ > options_.limits.depth) {
    --depth_;
    limit_fault("macros and expressions nest more than " + std::to_string(options_.limits.depth) +
                " deep");
  }
}

void Machine::use_steps(int64_t count) {
  steps_left_ -= count;
  if (steps_left_ < 0) {
    limit_fault("more than " + std::to_string(options_.limits.steps) + " steps were taken");
  }
}

void Machine::mark_captured() {
  for (Scope* scope = scope_; scope != nullptr && !scope->captured; scope = scope->outer) {
    scope->captured = true;
  }
}

ScopeGuard::ScopeGuard(Machine& machine, Scope* outer)
    : machine_(machine), before_(machine.scope_) {
  if (machine.free_scopes_.empty()) {
    own_ = std::make_unique<Scope>();
  } else {
    own_ = std::move(machine.free_scopes_.back());
    machine.free_scopes_.pop_back();
  }
  own_->outer = outer;
  machine.scope_ = own_.get();
}

ScopeGuard::~ScopeGuard() {
  machine_.scope_ = before_;
  if (own_->captured) {
    machine_.captured_scopes_.push_back(std::move(own_));
    return;
  }
  own_->names.clear();
  machine_.free_scopes_.push_back(std::move(own_));
}

Capture::Capture(Machine& machine)
    : machine_(machine), before_(std::move(machine.output_)), was_capturing_(machine.capturing_) {
  machine.output_ = Text();
  machine.capturing_ = true;
}

Capture::~Capture() {
  machine_.output_ = std::move(before_);
  machine_.capturing_ = was_capturing_;
}

}  // namespace chasqui::jinja
