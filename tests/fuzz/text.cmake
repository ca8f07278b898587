# The tokenizers' fuzz target; included by CMakeLists.txt of this folder.
chasqui_fuzz(text
  ROOMS text gguf tensor base
  LIBS fmt::fmt spdlog::spdlog PkgConfig::PCRE2 PkgConfig::UTF8PROC PkgConfig::XXHASH
       Threads::Threads)
