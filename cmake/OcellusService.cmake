# gRPC, Protobuf, Abseil and prometheus-cpp from Debian, and the generation of proto/ocellus/v1.
find_package(PkgConfig REQUIRED)
find_package(Protobuf REQUIRED)
find_package(absl REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(OpenSSL REQUIRED)
find_program(OCELLUS_GRPC_PLUGIN grpc_cpp_plugin REQUIRED)

# One precompiled grpcpp header for everything that speaks gRPC.
file(WRITE ${CMAKE_BINARY_DIR}/generated/ocellus_grpc_pch.cc "// For the precompiled header.\n")
add_library(ocellus_grpc_pch OBJECT ${CMAKE_BINARY_DIR}/generated/ocellus_grpc_pch.cc)
target_link_libraries(ocellus_grpc_pch PRIVATE gRPC::grpc++ absl::status absl::statusor)
target_precompile_headers(ocellus_grpc_pch PRIVATE <grpcpp/grpcpp.h> <absl/status/statusor.h>)

# ocellus_grpc_library / ocellus_grpc_test: as ocellus_library / ocellus_test, with gRPC and its
# precompiled header.
function(ocellus_grpc_library name)
  ocellus_library(${name} ${ARGN})
  target_link_libraries(${name} PUBLIC gRPC::grpc++ absl::status absl::statusor)
  target_precompile_headers(${name} REUSE_FROM ocellus_grpc_pch)
endfunction()

function(ocellus_grpc_test name)
  ocellus_test(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE gRPC::grpc++ absl::status absl::statusor)
  # Programs default to -fPIE, which would invalidate the precompiled header.
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${name} PRIVATE -fPIC)
  target_precompile_headers(${name} REUSE_FROM ocellus_grpc_pch)
endfunction()
