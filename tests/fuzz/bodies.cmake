# The fuzz target of request bodies; included by CMakeLists.txt of this folder.
chasqui_fuzz(bodies
  ROOMS api chat jinja grammar text gguf tensor base
  LIBS chasqui_engine chasqui_http chasqui_web boost_json fmt::fmt spdlog::spdlog PkgConfig::PCRE2
       PkgConfig::UTF8PROC PkgConfig::XXHASH Threads::Threads)
