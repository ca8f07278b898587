// The formats that are built in, and what they share.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "chat/chat_format.h"

namespace chasqui::chat {

// Those with a shape of their own, one file each.
ChatFormatPtr make_chatml_format();
ChatFormatPtr make_llama2_format(const ModelTexts& model);
// The model's own template, or the error that says why it cannot be used.
Result<ChatFormatPtr> make_template_format(const ModelTexts& model);

// Where a format of turns puts the system's words.
enum class SystemPlace {
  kFront,      // all of them joined, before the first turn
  kFirstUser,  // the same, but inside the first turn of the user
  kInPlace,    // a turn of its own, wherever it stands
};

// What is written around a message.
struct Turn {
  std::string_view before;
  std::string_view after;
};

// A format that writes one turn after another. `system_default`: the words where there are none.
struct TurnStyle {
  std::string_view name;
  SystemPlace system_place = SystemPlace::kFront;
  Turn system;
  std::string_view system_default;
  Turn user;
  Turn assistant;
  std::string_view ask;   // asks for the answer
  std::string_view stop;  // ends it; "": the model's own end is enough
};
// The style of that name; REQUIRES: there is one.
ChatFormatPtr make_turn_format(std::string_view name);

// Those that say tools without a template.
ChatFormatPtr make_functionary_format();
ChatFormatPtr make_functionary_v1_format();
ChatFormatPtr make_functionary_v2_format();
ChatFormatPtr make_chatml_calls_format();

bool is_system(const Message& message);
// The result of a call.
bool is_result(const Message& message);
// Which function the results of a conversation are of. Views into the messages.
class CallNames {
 public:
  explicit CallNames(std::span<const Message> messages);
  // As the result says itself, or that of the first call with its id; where the conversation does
  // not tell, the id.
  std::string_view of(const Message& result) const;

 private:
  std::unordered_map<std::string_view, std::string_view> by_id_;
};
// "{}" where the call has none.
std::string_view arguments_of(const ToolCall& call);
// The words of all system messages, with an empty line between them.
std::string joined_system(std::span<const Message> messages);
// kUnsupported where the input holds what only templates can say: tools, calls, documents.
Status check_plain(const ChatInput& input, std::string_view format);
// kUnsupported where there are documents.
Status check_no_documents(const ChatInput& input, std::string_view format);

// Appends `text` to `parts`, joined to the last part when that has the same mark.
void append(std::vector<PromptPart>& parts, std::string_view text, bool trusted);

}  // namespace chasqui::chat
