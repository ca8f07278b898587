// Conversations to prompts. A format writes a prompt as parts and says of each whether we wrote it
// (its control tokens count) or somebody sent it (its characters are only text, even where they
// spell a control token). That mark, and not a search for bad words, is what keeps a message from
// speaking in another role.
//
// Formats are immutable; any thread may render with one.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "chat/message.h"
#include "text/vocab.h"

namespace chasqui::chat {

struct PromptPart {
  std::string text;
  bool trusted = false;  // true: control tokens spelled in `text` become those tokens
};

struct Prompt {
  std::vector<PromptPart> parts;   // in order; their texts joined are the whole prompt
  std::vector<std::string> stops;  // end the answer besides what the request asks for

  // The parts joined, for logs and tests.
  std::string text() const;
};

// How a model spells its own markers; "" where it has none.
struct SpecialTexts {
  std::string bos;
  std::string eos;
};
SpecialTexts special_texts(const text::Vocab& vocab);

class ChatFormat {
 public:
  virtual ~ChatFormat() = default;

  virtual std::string_view name() const = 0;

  // The prompt that asks the model for the next assistant message. A BOS token that the model
  // wants at the very start may be left out: PromptEncoder adds it once.
  // `messages`: in order, not empty. kInvalidArgument where the format has no way to say them,
  // with `param` naming the message ("messages[2]").
  virtual Result<Prompt> render(std::span<const Message> messages) const = 0;
};

// One row per format that is built in.
struct ChatFormatRow {
  std::string_view name;     // value of the setting chat_format
  std::string_view summary;  // one line for --help and the generated docs
  std::shared_ptr<const ChatFormat> (*make)(const SpecialTexts& special);
};
std::span<const ChatFormatRow> chat_formats();

// The format of that name; kNotFound names those that exist.
Result<std::shared_ptr<const ChatFormat>> make_chat_format(std::string_view name,
                                                           const SpecialTexts& special);

// What a model without an explicit setting gets: "chatml" when its own template
// (`tokenizer.chat_template`, "" when absent) or its vocabulary speaks ChatML, else "llama-2",
// which is the default of the server that chasqui replaces.
std::string_view default_chat_format(std::string_view chat_template, const text::Vocab& vocab);

}  // namespace chasqui::chat
