// A folder of images to shards.
#pragma once

#include <cstdint>
#include <string>

namespace ocellus::pack {

struct FolderSetOptions {
  std::string folder;
  std::string out;
  int64_t shard_bytes_max = int64_t{1} << 30;  // images of a shard, about
};

struct FolderSetResult {
  int64_t images = 0;
  int64_t classes = 0;
  int64_t shards = 0;
};

// The files as they are, byte for byte, in the order and with the classes of a folder data set
// (worker/data/FORMAT.md); a `.txt` beside an image, of the same name, becomes its caption. A class
// per first-level sub-folder; manifest.json names them. Throws wire::Fault (user) when there are no
// images or the result cannot be written.
FolderSetResult WriteFolderSet(const FolderSetOptions& options);

}  // namespace ocellus::pack
