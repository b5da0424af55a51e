# Writes SOURCE and HEADER: each of SCRIPTS (files <name>.py) as a NUL-terminated C array ftf_py_<name>.
#   cmake -DSOURCE=... -DHEADER=... -DSCRIPTS="a.py;b.py" -P embed.cmake

set(note "/* Made by ci/cmake/embed.cmake from the scripts of harness/python/. */\n")
set(header "${note}#ifndef FTF_PYTHON_SOURCES_H
#define FTF_PYTHON_SOURCES_H
#include <stddef.h>

/* All of them, for writing the folder out; ends with a NULL name. */
typedef struct ftf_py_source {
    const char *name; /* with .py */
    const char *text;
    size_t len;
} ftf_py_source;

extern const ftf_py_source ftf_py_sources[];

")
set(source "${note}#include \"python_sources.h\"\n")
set(table "\nconst ftf_py_source ftf_py_sources[] = {\n")
string(REPEAT "." 80 line) # of hex digits, after which the source text breaks
foreach(script ${SCRIPTS})
  get_filename_component(name ${script} NAME_WE)
  file(READ ${script} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(REGEX REPLACE "(${line})" "\\1\n    " bytes "${bytes}")
  string(APPEND source "\nconst char ftf_py_${name}[] = {\n    ${bytes}0x00};\n")
  string(APPEND header "extern const char ftf_py_${name}[];\n")
  string(APPEND table "    {\"${name}.py\", ftf_py_${name}, sizeof ftf_py_${name} - 1},\n")
endforeach()
string(APPEND table "    {NULL, NULL, 0},\n};\n")
string(APPEND header "\n#endif\n")
file(WRITE ${SOURCE} "${source}${table}")
file(WRITE ${HEADER} "${header}")
