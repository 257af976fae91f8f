// The samples of a run: WebDataset tar shards or folders of images, any of them reachable at once
// by number.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace ocellus::data {

inline constexpr int64_t kDefaultMaxPixels = 89'478'485;  // Pillow's limit

struct Sample {
  std::string key;      // for messages: "shard.tar:000123.jpg" or the file's path
  std::string image;    // encoded bytes (JPEG or PNG)
  int64_t label = -1;   // of `cls`, or of the folder's number; -1 when there is none
  std::string caption;  // of `txt`, or of `json`'s "caption"; empty when there is none
  std::string mask;     // encoded bytes of `mask.png`; empty when there is none or none is wanted
};

class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual int64_t size() const = 0;
  // Thread-safe. Throws wire::Fault when the bytes cannot be read (storage) or the tar is cut off
  // (user).
  virtual Sample Get(int64_t index) const = 0;
  // Number of distinct labels, 0 when there are none.
  virtual int64_t classes() const = 0;
  // What will be asked for soon, in that order; how many of them are remembered. A hint, by which
  // samples of a store are read before they are wanted.
  virtual size_t Expect(std::span<const int64_t> indices) const { return indices.size(); }
  // How many samples it can begin with before they are wanted; 0: Expect does nothing.
  virtual int64_t read_ahead() const { return 0; }
  // Images of more pixels than this are bad samples; looked at before anything is decoded.
  virtual int64_t max_pixels() const { return kDefaultMaxPixels; }
};

// How shards of a store are read.
struct StoreReading {
  // Where whole shards are kept, for all processes that name it; made when absent. "": below
  // $XDG_CACHE_HOME or ~/.cache, where that can be written.
  std::string cache_folder;
  int64_t cache_bytes_max = int64_t{64} << 30;  // 0: nothing is kept
  std::chrono::seconds cache_fresh{600};        // shards used since are not evicted
  int64_t read_ahead = 256;                     // samples
  int connections = 16;                         // requests of a process at a time, about
};

struct DatasetOptions {
  // Folders of images or of .tar files, .tar files, image files; globs ("*.tar", "{a,b}.tar") and
  // ranges ("train-{000000..000127}.tar") of them; '~' and relative paths allowed. Of object
  // stores .tar files: "s3://bucket/prefix/train-{000..127}.tar?endpoint=..." (FORMAT.md).
  std::vector<std::string> sources;
  int64_t max_pixels = kDefaultMaxPixels;
  bool masks = false;  // whether samples bring their masks
  StoreReading store;
  // Gets a line for each trouble that was got over; called by any thread; may be empty.
  std::function<void(const std::string&)> on_warning;
};

// Finds and indexes the sources; the index of a shard is kept beside it or in the cache folder
// (FORMAT.md), so that the second opening reads no shard. Throws wire::Fault (user) with the path
// and the nearest existing one when nothing is there, when a set is empty, or when a tar is
// truncated.
std::shared_ptr<const Dataset> OpenDataset(const DatasetOptions& options);

}  // namespace ocellus::data
