// A checkpoint's manifest. What is understood can be written and is the same.
#include "worker/checkpoint/manifest.h"

#include <cstdlib>

#include "tests/fuzz/text.h"
#include "worker/wire/fault.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ocellus;
  checkpoint::Manifest manifest;
  try {
    manifest = checkpoint::ParseManifest(TextOf(data, size), "fuzz");
  } catch (const wire::Fault&) {
    return 0;  // said in words
  }
  const std::string text = checkpoint::ToText(manifest);
  if (checkpoint::ToText(checkpoint::ParseManifest(text, "again")) != text) std::abort();
  return 0;
}
