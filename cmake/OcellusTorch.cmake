# LibTorch from the PyPI wheel, as one imported target. find_package(Torch) would ask for a whole
# CUDA toolkit; the wheel's libraries and a Gloo header are all that is needed.
set(OCELLUS_TORCH_DIR ${OCELLUS_SITE_PACKAGES}/torch CACHE PATH "The folder of the torch package")
if(NOT EXISTS ${OCELLUS_TORCH_DIR}/lib/libtorch_cpu.so)
  message(FATAL_ERROR "No LibTorch at ${OCELLUS_TORCH_DIR}: run tools/setup, or give "
                      "-DOCELLUS_TORCH_DIR=<site-packages>/torch")
endif()
set(OCELLUS_NVIDIA_DIR ${OCELLUS_TORCH_DIR}/../nvidia CACHE PATH "The nvidia folder beside torch")

# nvcc: the wheel's, else one on the PATH.
set(OCELLUS_WITH_CUDA OFF)
if(NOT OCELLUS_CUDA STREQUAL "OFF" AND NOT OCELLUS_SANITIZE)
  find_program(OCELLUS_NVCC nvcc HINTS ${OCELLUS_NVIDIA_DIR}/cu13/bin /usr/local/cuda/bin)
  if(OCELLUS_NVCC AND EXISTS ${OCELLUS_TORCH_DIR}/lib/libtorch_cuda.so)
    set(OCELLUS_WITH_CUDA ON)
  elseif(OCELLUS_CUDA STREQUAL "ON")
    message(FATAL_ERROR "OCELLUS_CUDA=ON, but there is no nvcc or no libtorch_cuda.so: run "
                        "tools/setup, or build with -DOCELLUS_CUDA=OFF")
  endif()
endif()

add_library(ocellus_torch INTERFACE)
target_include_directories(ocellus_torch SYSTEM INTERFACE
  ${OCELLUS_TORCH_DIR}/include ${OCELLUS_TORCH_DIR}/include/torch/csrc/api/include)
target_compile_definitions(ocellus_torch INTERFACE USE_DISTRIBUTED USE_C10D_GLOO)
target_link_libraries(ocellus_torch INTERFACE
  -Wl,--no-as-needed ${OCELLUS_TORCH_DIR}/lib/libtorch_cpu.so ${OCELLUS_TORCH_DIR}/lib/libc10.so
  Threads::Threads)
target_link_options(ocellus_torch INTERFACE -Wl,-rpath,${OCELLUS_TORCH_DIR}/lib)
if(OCELLUS_WITH_CUDA)
  target_compile_definitions(ocellus_torch INTERFACE OCELLUS_WITH_CUDA USE_C10D_NCCL)
  target_include_directories(ocellus_torch SYSTEM INTERFACE
    ${OCELLUS_NVIDIA_DIR}/cu13/include ${OCELLUS_NVIDIA_DIR}/nccl/include)
  target_link_libraries(ocellus_torch INTERFACE
    ${OCELLUS_TORCH_DIR}/lib/libtorch_cuda.so ${OCELLUS_TORCH_DIR}/lib/libc10_cuda.so)
endif()

# One precompiled torch/torch.h (34 s once, then 5 s a file instead of 18).
file(WRITE ${CMAKE_BINARY_DIR}/generated/ocellus_torch_pch.cc "// For the precompiled header.\n")
add_library(ocellus_torch_pch OBJECT ${CMAKE_BINARY_DIR}/generated/ocellus_torch_pch.cc)
target_link_libraries(ocellus_torch_pch PRIVATE ocellus_torch)
target_precompile_headers(ocellus_torch_pch PRIVATE <torch/torch.h>)
target_compile_options(ocellus_torch_pch PRIVATE -Wno-unknown-pragmas)

# ocellus_torch_library / ocellus_torch_test: as ocellus_library / ocellus_test, with LibTorch and
# its precompiled header.
function(ocellus_torch_library name)
  ocellus_library(${name} ${ARGN})
  target_link_libraries(${name} PUBLIC ocellus_torch)
  target_precompile_headers(${name} REUSE_FROM ocellus_torch_pch)
  ocellus_unity(${name})
endfunction()

function(ocellus_torch_test name)
  ocellus_test(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE ocellus_torch)
  # Programs default to -fPIE, which would invalidate the precompiled header.
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${name} PRIVATE -fPIC)
  target_precompile_headers(${name} REUSE_FROM ocellus_torch_pch)
  ocellus_unity(${name})
endfunction()

# ocellus_cuda_sources(TARGET a.cu ...): compiles CUDA sources with nvcc for sm_80 and sm_90a and
# adds the objects to TARGET. CMake's own CUDA language wants a toolkit layout that the wheels lack.
function(ocellus_cuda_sources target)
  foreach(source ${ARGN})
    get_filename_component(path ${source} ABSOLUTE)
    string(MAKE_C_IDENTIFIER ${source} id)
    set(object ${CMAKE_CURRENT_BINARY_DIR}/${id}.o)
    add_custom_command(
      OUTPUT ${object}
      COMMAND ${OCELLUS_NVCC} -c ${path} -o ${object} -std=c++20 -O3 -Xcompiler -fPIC
              -ccbin ${CMAKE_CXX_COMPILER} -I${CMAKE_SOURCE_DIR} -MD -MF ${object}.d
              -gencode arch=compute_80,code=sm_80 -gencode arch=compute_90a,code=sm_90a
      DEPENDS ${path} DEPFILE ${object}.d
      COMMENT "nvcc ${source}" VERBATIM)
    target_sources(${target} PRIVATE ${object})
  endforeach()
endfunction()
