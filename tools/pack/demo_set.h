// The demo set: procedural pictures of ten kinds of things, as JPEGs with class and caption, and
// with their masks if wanted, in WebDataset shards. Synthetic throughout, and says so.
#pragma once

#include <cstdint>
#include <string>

namespace ocellus::pack {

struct DemoSetOptions {
  std::string out;       // folder; made when it is not there
  int64_t count = 4096;  // pictures
  uint64_t seed = 0;
  int shards = 8;
  bool masks = false;  // a mask.png beside each picture, which stays as it is
};

struct DemoPicture {
  std::string jpeg;
  std::string mask;  // PNG of the same size: 255 on what is no backdrop, 0 elsewhere
  std::string caption;
  int64_t label = 0;
  int width = 0, height = 0, quality = 0;
};

// Picture `index` of the set of `count`: a function of (seed, count, index). Sizes 96 to 320 pixels
// a side. Classes are equally frequent and in random order; colours and places do not depend on
// them.
DemoPicture MakeDemoPicture(uint64_t seed, int64_t count, int64_t index);

// Writes demo-000000.tar ..., manifest.json and README.md into options.out; the same options give
// the same bytes. Throws wire::Fault when the folder cannot be written.
void WriteDemoSet(const DemoSetOptions& options);

}  // namespace ocellus::pack
