// A shard: tar with ustar, pax and GNU headers. Members lie within the file.
#include <cstdlib>

#include "tests/fuzz/memory_source.h"
#include "tests/fuzz/text.h"
#include "worker/data/tar_reader.h"
#include "worker/wire/fault.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ocellus;
  const data::MemorySource source(TextOf(data, size));
  data::TarReader reader(source);
  data::TarEntry entry;
  try {
    while (reader.Next(&entry)) {
      const bool inside =
          entry.offset >= 0 && entry.bytes >= 0 && entry.bytes <= source.bytes() - entry.offset;
      if (!inside) std::abort();
    }
  } catch (const wire::Fault&) {
    // Said in words; that is what is wanted.
  }
  return 0;
}
