// How GPT-2 style vocabularies spell bytes: each byte is one printable character, printable
// Latin-1 bytes as themselves and the rest, in order, as U+0100 and up.
// Source: bytes_to_unicode() of Radford et al., "Language Models are Unsupervised Multitask
// Learners", 2019 (released encoder).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace chasqui::text {

// The character for `byte`, as a code point below 0x144.
uint32_t byte_to_code_point(uint8_t byte);

// The byte for a code point, or -1 when it stands for none.
int code_point_to_byte(uint32_t code_point);

// Spells each byte of `bytes`. At most twice as long.
std::string spell_bytes(std::string_view bytes);

// The bytes that `spelling` stands for; characters that stand for no byte (vocabularies have
// some among their added tokens) are kept as they are.
std::string unspell_bytes(std::string_view spelling);

}  // namespace chasqui::text
