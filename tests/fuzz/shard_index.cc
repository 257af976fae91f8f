// The index of a shard, in its file form, and made from a tar. What is decoded encodes to the same.
#include "worker/data/shard_index.h"

#include <cstdlib>

#include "tests/fuzz/memory_source.h"
#include "tests/fuzz/text.h"
#include "worker/wire/fault.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ocellus;
  const std::string bytes = TextOf(data, size);
  data::ShardIndex index;
  if (data::DecodeShardIndex(bytes, &index)) {
    data::ShardIndex again;
    if (!data::DecodeShardIndex(data::EncodeShardIndex(index), &again)) std::abort();
    if (again.samples.size() != index.samples.size()) std::abort();
  }
  try {
    data::ListSamples(data::MemorySource(bytes), /*sums=*/true);
  } catch (const wire::Fault&) {
    // Said in words; that is what is wanted.
  }
  return 0;
}
