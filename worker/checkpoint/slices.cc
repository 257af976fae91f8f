#include "worker/checkpoint/slices.h"

#include <algorithm>
#include <vector>

#include "worker/wire/fault.h"

namespace ocellus::checkpoint {
namespace {

// Into how many slices a rank cuts its share of a file: of a portion each at most, so that all
// connections have as much to do. A small share makes fewer.
int SlicesOfOne(size_t share, const store::Portions& portions) {
  if (portions.bytes == 0) return 1;
  const size_t least = std::max<size_t>(portions.bytes / 4, 1);
  const auto parallel = static_cast<size_t>(portions.parallel);
  const size_t round = parallel * portions.bytes;
  if (share < parallel * least) return static_cast<int>(std::max<size_t>(share / least, 1));
  return static_cast<int>((share + round - 1) / round * parallel);
}

[[noreturn]] void ThrowIncomplete(const std::string& origin, const std::string& cause) {
  throw wire::Fault(wire::FaultClass::kStorage, "CORRUPT_FILE", origin + " " + cause,
                    "restore another checkpoint");
}

}  // namespace

FileSources SlicesOf(const FileSources& sources, int rank, int world,
                     const store::Portions& portions) {
  FileSources slices;
  for (const auto& [name, source] : sources) {
    const FileLayout layout = LayOut(source);
    const size_t total = std::max<size_t>(layout.data_bytes, 1);
    const int own = SlicesOfOne(total / static_cast<size_t>(world), portions);
    const int count = own * world;
    for (int i = 0; i < own; ++i) {
      slices[SliceName(name, rank * own + i, count)].metadata = source.metadata;
    }
    size_t begin = 0;
    for (const TensorSource* tensor : layout.order) {
      const size_t bytes = *TensorBytes(tensor->dtype, tensor->shape);
      const size_t middle = begin + bytes / 2;
      begin += bytes;
      const auto index =
          std::min(static_cast<int>(middle * static_cast<size_t>(count) / total), count - 1);
      if (index / own == rank) slices[SliceName(name, index, count)].tensors.push_back(*tensor);
    }
  }
  return slices;
}

std::map<std::string, SafetensorsFile> Joined(const std::map<std::string, SafetensorsFile>& files,
                                              const std::string& origin) {
  std::map<std::string, SafetensorsFile> joined;
  std::map<std::string, std::vector<SafetensorsFile>> slices;
  // Names of slices sort by their index, so that each comes when its turn is.
  for (const auto& [name, file] : files) {
    const auto place = PlaceOfSlice(name);
    if (!place) {
      joined[name] = file;
      continue;
    }
    std::vector<SafetensorsFile>& found = slices[place->file];
    if (found.size() != static_cast<size_t>(place->index)) {
      ThrowIncomplete(origin, "lacks the slice before " + name);
    }
    found.push_back(file);
    if (place->index + 1 < place->count) continue;
    joined[place->file] = SafetensorsFile::Join(found, origin + place->file);
    slices.erase(place->file);
  }
  if (!slices.empty()) ThrowIncomplete(origin, "lacks slices of " + slices.begin()->first);
  return joined;
}

}  // namespace ocellus::checkpoint
