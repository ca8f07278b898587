# The fuzz target of what models write; included by CMakeLists.txt of this folder.
chasqui_fuzz(output_parser
  ROOMS chat jinja text gguf tensor base
  LIBS boost_json fmt::fmt spdlog::spdlog PkgConfig::PCRE2 PkgConfig::UTF8PROC PkgConfig::XXHASH
       Threads::Threads)
