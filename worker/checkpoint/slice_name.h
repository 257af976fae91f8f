// Names of the slices of a checkpoint's file (FORMAT.md).
#pragma once

#include <optional>
#include <string>

namespace ocellus::checkpoint {

// "model.safetensors", 1, 4: "model-00002-of-00004.safetensors". The file's own name when there is
// only one slice.
std::string SliceName(const std::string& file, int index, int count);

struct SlicePlace {
  std::string file;  // of which it is a slice
  int index = 0;
  int count = 1;
};
// The reverse; nothing for a name that is not of a slice.
std::optional<SlicePlace> PlaceOfSlice(const std::string& name);

}  // namespace ocellus::checkpoint
