# The template interpreter's fuzz target; included by CMakeLists.txt of this folder.
chasqui_fuzz(jinja
  ROOMS jinja base
  LIBS fmt::fmt PkgConfig::UTF8PROC PkgConfig::XXHASH Threads::Threads)
