# Writes SOURCE and HEADER: each of FILES as a NUL-terminated C array ftf_<NAME>_<file>, without the .py of scripts, and a
# table ftf_<NAME>_sources of all of them (base/embedded.h).
#   cmake -DNAME=py -DSOURCE=... -DHEADER=... -DFILES="a.py;b.py" -P embed.cmake

set(note "/* Made by ci/cmake/embed.cmake. */\n")
string(TOUPPER ${NAME} guard)
set(header "${note}#ifndef FTF_${guard}_SOURCES_H
#define FTF_${guard}_SOURCES_H
#include \"base/embedded.h\"

/* All of them, for writing the folder out; ends with a NULL name. */
extern const ftf_embedded ftf_${NAME}_sources[];

")
get_filename_component(header_name ${HEADER} NAME)
set(source "${note}#include \"${header_name}\"\n")
set(table "\nconst ftf_embedded ftf_${NAME}_sources[] = {\n")
string(REPEAT "." 80 line) # of hex digits, after which the source text breaks
foreach(file ${FILES})
  get_filename_component(file_name ${file} NAME)
  string(REGEX REPLACE "\\.py$" "" identifier ${file_name})
  string(MAKE_C_IDENTIFIER ${identifier} identifier)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(REGEX REPLACE "(${line})" "\\1\n    " bytes "${bytes}")
  string(APPEND source "\nconst char ftf_${NAME}_${identifier}[] = {\n    ${bytes}0x00};\n")
  string(APPEND header "extern const char ftf_${NAME}_${identifier}[];\n")
  string(APPEND table "    {\"${file_name}\", ftf_${NAME}_${identifier}, sizeof ftf_${NAME}_${identifier} - 1},\n")
endforeach()
string(APPEND table "    {NULL, NULL, 0},\n};\n")
string(APPEND header "\n#endif\n")
file(WRITE ${SOURCE} "${source}${table}")
file(WRITE ${HEADER} "${header}")
