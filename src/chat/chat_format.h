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
#include "chat/tool_dialect.h"
#include "jinja/template.h"
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

// What is made into a prompt. Formats whose speech().knows_tools can say tools; more than that only
// templates can.
struct ChatInput {
  std::span<const Message> messages;              // in order, not empty
  jinja::Value tools = jinja::Value::none();      // list of OpenAI's tool objects
  std::span<const Tool> functions = {};           // the same, for those that are no templates
  jinja::Value documents = jinja::Value::none();  // list of {title, text}
  jinja::Variables more = {};         // further variables of the template ("enable_thinking")
  bool add_generation_prompt = true;  // false: nothing asks for an answer
};

// What a model brings along. bos, eos: how it spells its own markers, "" where it has none.
struct ModelTexts {
  std::string bos;
  std::string eos;
  std::string chat_template = {};  // its `tokenizer.chat_template`, "" when absent
  // The format of Functionary whose tokens its vocabulary has; "" none.
  std::string functionary = {};
};
ModelTexts model_texts(const text::Vocab& vocab, std::string chat_template);

class ChatFormat {
 public:
  virtual ~ChatFormat() = default;

  virtual std::string_view name() const = 0;
  // How its models speak; of formats that cannot say tools, the generic dialect.
  virtual Speech speech() const { return speech_of(""); }

  // The prompt that asks the model for the next assistant message. A BOS token that the model
  // wants at the very start may be left out: PromptEncoder adds it once.
  // kInvalidArgument or kUnsupported where the format has no way to say the input or refuses it,
  // with `param` naming the field ("messages[2]", "tools"); templates add their line and reason.
  virtual Result<Prompt> render(const ChatInput& input) const = 0;
};

using ChatFormatPtr = std::shared_ptr<const ChatFormat>;

// One row per format that is built in.
struct ChatFormatRow {
  std::string_view name;     // value of the setting chat_format
  std::string_view summary;  // one line for --help and the generated docs
  std::string_view marker;   // a token that only models of this format have, or ""
  Result<ChatFormatPtr> (*make)(const ModelTexts& model);
};
std::span<const ChatFormatRow> chat_formats();

// The format of that name; kNotFound names those that exist. "chat_template.default",
// "hf-autotokenizer" and "hf-tokenizer-config" are the model's own template: kNotFound where it has
// none, kInvalidArgument with line and reason where the template does not compile.
Result<ChatFormatPtr> make_chat_format(std::string_view name, const ModelTexts& model);

// What a model without an explicit setting gets: its own template; where there is none, or it does
// not compile, the format whose marker its vocabulary has; else llama-2, which is the default of
// the server that chasqui replaces.
struct DefaultFormat {
  ChatFormatPtr format;
  std::string warning;  // why the model's own template is not used; "" when all is well
};
DefaultFormat default_chat_format(const ModelTexts& model, const text::Vocab& vocab);

}  // namespace chasqui::chat
