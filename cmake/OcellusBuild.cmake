# Settings and functions shared by every folder.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")

find_program(OCELLUS_CCACHE ccache)
if(OCELLUS_CCACHE)
  # ccache takes files with a precompiled header only when told that times do not matter, and shares
  # objects between clones when paths below the source folder count as relative.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} ${OCELLUS_CCACHE})
endif()
find_program(OCELLUS_MOLD mold)
if(OCELLUS_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# The folder that tools/setup fills: a Python environment with LibTorch, nvcc and the test tools.
set(OCELLUS_TOOLCHAIN ${CMAKE_SOURCE_DIR}/.toolchain CACHE PATH "What tools/setup installed")
file(GLOB OCELLUS_SITE_PACKAGES ${OCELLUS_TOOLCHAIN}/lib/python3*/site-packages)

# Debian packages that tools/setup unpacks there instead of installing them (valijson's headers).
if(EXISTS ${OCELLUS_TOOLCHAIN}/debian/usr/include)
  include_directories(SYSTEM ${OCELLUS_TOOLCHAIN}/debian/usr/include)
endif()

find_package(Threads REQUIRED)

add_compile_options(-Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers)
if(OCELLUS_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize=vptr)
  add_link_options(-fsanitize=address,undefined)
elseif(OCELLUS_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread)
  add_link_options(-fsanitize=thread)
elseif(OCELLUS_SANITIZE STREQUAL "fuzzer")
  # Undefined behaviour ends the run, as everything else that a fuzzer finds.
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=vptr
                      -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(OCELLUS_SANITIZE)
  message(FATAL_ERROR "OCELLUS_SANITIZE is '${OCELLUS_SANITIZE}'; use address, thread or nothing")
endif()

# Headers of LibTorch cost each file seconds even when they are precompiled (templates that they use
# themselves are instantiated anew), so several files of a target are compiled as one. Names in
# anonymous namespaces must then differ within a target.
option(OCELLUS_UNITY "Compile up to four files of a target at a time" ON)
function(ocellus_unity name)
  set_target_properties(${name} PROPERTIES UNITY_BUILD ${OCELLUS_UNITY} UNITY_BUILD_BATCH_SIZE 4)
endfunction()

# ocellus_library(NAME SOURCES a.cc ... DEPS b ...): a static library whose headers are included
# from the root of the repository ("kernels/layer_norm.h").
function(ocellus_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
  target_link_libraries(${name} PUBLIC ${ARG_DEPS})
endfunction()

# ocellus_test(NAME SOURCES a_test.cc ... DEPS b ... [LABELS l ...]): a GoogleTest program, one
# ctest entry. Long suites are split by giving several programs.
function(ocellus_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;LABELS" ${ARGN})
  find_package(GTest REQUIRED)
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gtest GTest::gmock GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE OCELLUS_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
                             OCELLUS_BINARY_DIR="${CMAKE_BINARY_DIR}")
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" ENVIRONMENT "OMP_NUM_THREADS=1")
endfunction()
