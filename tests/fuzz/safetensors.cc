// A file of tensors: every tensor that is offered lies within the bytes.
#include "worker/checkpoint/safetensors.h"

#include <cstdlib>
#include <cstring>
#include <memory>

#include "tests/fuzz/text.h"
#include "worker/wire/fault.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ocellus;
  const std::shared_ptr<std::byte[]> bytes(new std::byte[size > 0 ? size : 1]);
  if (size > 0) std::memcpy(bytes.get(), data, size);
  try {
    const auto file = checkpoint::SafetensorsFile::Parse(bytes, size, "fuzz");
    unsigned sum = 0;
    for (const checkpoint::TensorView& tensor : file.tensors()) {
      for (size_t i = 0; i < tensor.bytes; ++i) sum += std::to_integer<unsigned>(tensor.data[i]);
    }
    if (sum == 0xFFFFFFFFU) std::abort();  // that they are read
  } catch (const wire::Fault&) {
    // Said in words; that is what is wanted.
  }
  return 0;
}
