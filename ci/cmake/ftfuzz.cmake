# The functions that CMakeLists.txt is written in. Folders may still be empty: a layer without sources is an interface
# library, and no worker is built as long as engine/ has none.

set(FTFUZZ_GENERATED ${CMAKE_BINARY_DIR}/generated)
file(MAKE_DIRECTORY ${FTFUZZ_GENERATED})

# ftfuzz_library(NAME SOURCES file... LINK library...)
function(ftfuzz_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  set(sources)
  foreach(source ${arg_SOURCES})
    if(NOT IS_ABSOLUTE ${source})
      set(source ${CMAKE_SOURCE_DIR}/${source})
    endif()
    if(EXISTS ${source})
      list(APPEND sources ${source})
    endif()
  endforeach()
  if(sources)
    add_library(${name} STATIC ${sources})
    set(scope PUBLIC)
  else()
    add_library(${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${name} ${scope} ${CMAKE_SOURCE_DIR}/harness ${FTFUZZ_GENERATED})
  target_link_libraries(${name} ${scope} ${arg_LINK})
endfunction()

# ftfuzz_layer(FOLDER library... [EXCLUDE file...]): the library ftf_<folder> of all C files of harness/<folder>.
function(ftfuzz_layer folder)
  cmake_parse_arguments(arg "" "" "EXCLUDE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/harness/${folder}/*.c)
  foreach(file ${arg_EXCLUDE})
    list(REMOVE_ITEM sources ${CMAKE_SOURCE_DIR}/harness/${folder}/${file})
  endforeach()
  ftfuzz_library(ftf_${folder} SOURCES ${sources} LINK ${arg_UNPARSED_ARGUMENTS})
endfunction()

# ftfuzz_embed(NAME FOLDER PATTERN...): a library ftf_<name> with one `const char ftf_<name>_<file>[]` for each file of
# harness/<folder> that matches.
function(ftfuzz_embed name folder)
  list(TRANSFORM ARGN PREPEND ${CMAKE_SOURCE_DIR}/harness/${folder}/ OUTPUT_VARIABLE patterns)
  file(GLOB files CONFIGURE_DEPENDS ${patterns})
  set(source ${FTFUZZ_GENERATED}/${folder}_sources.c)
  set(header ${FTFUZZ_GENERATED}/${folder}_sources.h)
  set(generator ${CMAKE_SOURCE_DIR}/ci/cmake/embed.cmake)
  add_custom_command(
    OUTPUT ${source} ${header}
    COMMAND ${CMAKE_COMMAND} -DNAME=${name} -DSOURCE=${source} -DHEADER=${header} "-DFILES=${files}" -P ${generator}
    DEPENDS ${files} ${generator}
    COMMENT "Embedding harness/${folder}"
    VERBATIM)
  add_library(ftf_${name} STATIC ${source} ${header})
  target_include_directories(ftf_${name} PUBLIC ${FTFUZZ_GENERATED} ${CMAKE_SOURCE_DIR}/harness)
endfunction()

# ftfuzz_makefile_variable(OUT TEXT NAME): the value of NAME in the text of a Makefile, with $(...) expanded.
function(ftfuzz_makefile_variable out text name)
  set(value)
  if(text MATCHES "\n${name}=[ \t]*([^\n]*)")
    set(value "${CMAKE_MATCH_1}")
  endif()
  foreach(expansion RANGE 500) # far more than a Makefile holds; MODLIBS names some 25 variables
    if(NOT value MATCHES "\\$\\(([A-Za-z0-9_]+)\\)")
      break()
    endif()
    set(inner_name "${CMAKE_MATCH_1}")
    set(inner)
    if(text MATCHES "\n${inner_name}=[ \t]*([^\n]*)")
      set(inner "${CMAKE_MATCH_1}")
    endif()
    string(REPLACE "$(${inner_name})" "${inner}" value "${value}")
  endforeach()
  set(${out} "${value}" PARENT_SCOPE)
endfunction()

# TSan's runtime defines these names itself, and has no other names for them; harness/sched/interpose_guard.c is to win.
set(FTFUZZ_GUARDS)
foreach(call acquire release abort)
  list(APPEND FTFUZZ_GUARDS -Wl,--defsym=__cxa_guard_${call}=ftf_guard_${call})
endforeach()

# The runtime's reports of races are led to harness/oracle/repeats.c. A symbol that this LLVM does not have is no error to the
# linker; tests/sim/tsan_repeats.c is what notices.
set(FTFUZZ_WRAPS -Wl,--wrap=_ZN6__tsan10ReportRaceEPNS_11ThreadStateEPNS_9RawShadowENS_6ShadowES4_m)

# The sanitizers of the asan flavour: OSS-Fuzz wants builds with one of them alone (ci/lib.sh, ci/oss-fuzz).
set(FTFUZZ_ASAN "address,undefined" CACHE STRING "address, undefined, or both")
set(FTFUZZ_SANITIZERS_tsan -fsanitize=thread ${FTFUZZ_GUARDS} ${FTFUZZ_WRAPS})
set(FTFUZZ_SANITIZERS_asan -fsanitize=${FTFUZZ_ASAN} -fno-sanitize=vptr)

# What targets that run alone are linked with: OSS-Fuzz's $LIB_FUZZING_ENGINE.
set(FTFUZZ_ENGINE "-fsanitize=fuzzer" CACHE STRING "libFuzzer, or another engine for ftfuzz-target-*")

# ftfuzz_worker(FLAVOUR): the libFuzzer executable ftfuzz-worker-<flavour>, with that flavour's interpreter inside, and
# ftfuzz-target-<flavour>, the same for use without a supervisor (harness/engine/alone.h).
#
# Nothing of ours in it is instrumented, neither by a sanitizer nor for coverage: between two points of the extension
# our code must be invisible. Only the link says -fsanitize, for the runtimes.
function(ftfuzz_worker flavour)
  string(TOUPPER ${flavour} FLAVOUR)
  set(prefix ${FTFUZZ_PYTHON_${FLAVOUR}})
  file(GLOB engine CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/harness/engine/*.c)
  if(NOT prefix OR NOT engine)
    return()
  endif()
  file(GLOB archive ${prefix}/lib/python3*t/config-*/libpython3*t.a)
  list(LENGTH archive found)
  if(NOT found EQUAL 1)
    message(FATAL_ERROR "${prefix} holds no libpython3*t.a of a free-threaded CPython; run ci/build-python ${flavour}")
  endif()
  get_filename_component(config ${archive} DIRECTORY)
  file(GLOB python_h ${prefix}/include/python3*t/Python.h)
  get_filename_component(include_dir ${python_h} DIRECTORY)
  file(READ ${config}/Makefile makefile)
  set(libraries)
  foreach(variable LIBS MODLIBS SYSLIBS)
    ftfuzz_makefile_variable(value "${makefile}" ${variable})
    separate_arguments(value)
    list(APPEND libraries ${value})
  endforeach()

  file(GLOB sources CONFIGURE_DEPENDS
    ${CMAKE_SOURCE_DIR}/harness/sched/*.c ${CMAKE_SOURCE_DIR}/harness/lanes/*.c ${CMAKE_SOURCE_DIR}/harness/oracle/*.c
    ${CMAKE_SOURCE_DIR}/harness/engine/*.c)
  list(REMOVE_ITEM sources ${CMAKE_SOURCE_DIR}/harness/oracle/kinds.c)
  file(GLOB python_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/harness/python/*.c)

  # Only python/ sees Python's headers, so that nobody else can come to need them.
  add_library(ftf_python_${flavour} OBJECT ${python_sources})
  target_include_directories(ftf_python_${flavour} SYSTEM PRIVATE ${include_dir})
  add_executable(ftfuzz-target-${flavour} ${sources})
  list(REMOVE_ITEM sources ${CMAKE_SOURCE_DIR}/harness/engine/alone.c)
  add_executable(ftfuzz-worker-${flavour} ${sources} ${CMAKE_SOURCE_DIR}/harness/findings/record.c)
  target_compile_definitions(ftfuzz-target-${flavour} PRIVATE FTF_ALONE=1)
  foreach(target ftf_python_${flavour} ftfuzz-worker-${flavour} ftfuzz-target-${flavour})
    target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/harness ${FTFUZZ_GENERATED})
    target_compile_definitions(${target} PRIVATE FTF_FLAVOUR="${flavour}" FTF_${FLAVOUR}=1)
  endforeach()
  target_link_libraries(ftf_python_${flavour} PRIVATE ftf_py ftf_scenario)

  set(worker_engine -fsanitize=fuzzer)
  separate_arguments(target_engine UNIX_COMMAND "${FTFUZZ_ENGINE}")
  foreach(kind worker target)
    set(executable ftfuzz-${kind}-${flavour})
    target_link_options(${executable} PRIVATE ${FTFUZZ_SANITIZERS_${flavour}} -fuse-ld=lld -Wl,--export-dynamic)
    target_link_libraries(${executable} PRIVATE
      ftf_python_${flavour} ftf_py ftf_kinds ftf_scenario ${${kind}_engine}
      # Whole, because an extension may use a function of the C API that nothing else does.
      -Wl,--whole-archive ${archive} -Wl,--no-whole-archive ${libraries} Threads::Threads)
    set_target_properties(${executable} PROPERTIES LINK_DEPENDS ${archive})
  endforeach()
  # The old kind of path counts for the libraries of libraries, too, and of what is loaded later. An engine may be C++.
  target_link_options(ftfuzz-target-${flavour} PRIVATE -Wl,--disable-new-dtags,-rpath,$ORIGIN/ftfuzz_data/lib)
  target_link_libraries(ftfuzz-target-${flavour} PRIVATE ftf_findings)
  set_target_properties(ftfuzz-target-${flavour} PROPERTIES LINKER_LANGUAGE CXX)
endfunction()
