chasqui_fuzz(grammar
  ROOMS grammar text gguf tensor base
  LIBS boost_json fmt::fmt spdlog::spdlog PkgConfig::PCRE2 PkgConfig::UTF8PROC PkgConfig::XXHASH
       Threads::Threads)
