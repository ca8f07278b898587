// Which chat format a served model gets, and from where its template comes.
#pragma once

#include "app/settings.h"
#include "base/result.h"
#include "chat/chat_format.h"
#include "gguf/file.h"
#include "text/vocab.h"

namespace chasqui::app {

// The settings decide in this order: hf_tokenizer_config_path and hf_pretrained_model_name_or_path
// replace the template and the markers of the file; chat_format names a format, of which
// "chat_template.NAME" is the file's template of that name (tokenizer.chat_template.NAME). Without
// any, chat::default_chat_format(). What has to be said about the choice is logged.
// Errors name the setting: a file that is missing or says something else, an unknown format.
Result<chat::ChatFormatPtr> choose_chat_format(const gguf::File& file, const text::Vocab& vocab,
                                               const Settings& settings);

// What a tokenizer_config.json of Hugging Face says: chat_template (a text, or a list of named
// ones, of which "default" counts), bos_token and eos_token (texts, or objects with `content`).
// Markers that it leaves out stay those of `model`. A config without a template has it beside it,
// in chat_template.jinja.
Result<chat::ModelTexts> read_tokenizer_config(const std::string& path, chat::ModelTexts model);

}  // namespace chasqui::app
