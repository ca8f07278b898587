#!/bin/sh
# check_weak_symbols.sh <level> <object files>
#
# Fails when an object compiled with instruction-set flags defines a weak symbol (an inline
# function, a template, a vtable) outside namespace chasqui::backend::cpu::<level>. The linker
# keeps one copy of a weak symbol for the whole program: were it this one, code with AVX-512
# would run on machines that lack it.
set -eu
level=$1
shift
inside="^_Z\(Z\|GV\|GVZ\|\)N\(K\|\)7chasqui7backend3cpu${#level}${level}"
bad=$(nm --defined-only "$@" | awk '$2 ~ /^[WwVvu]$/ { print $3 }' | grep -v "$inside" |
  c++filt | sort -u || true)
if [ -n "$bad" ]; then
  echo "weak symbols outside chasqui::backend::cpu::$level:" >&2
  echo "$bad" >&2
  exit 1
fi
