#include "tools/pack/folder_set.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tools/pack/shard_writer.h"
#include "worker/data/folder_dataset.h"
#include "worker/data/sources.h"
#include "worker/wire/fault.h"

namespace ocellus::pack {
namespace {

namespace fs = std::filesystem;

std::string Extension(const std::string& path) {
  std::string extension = fs::path(path).extension().string().substr(1);
  std::transform(extension.begin(), extension.end(), extension.begin(), ::tolower);
  return extension;
}

Members MembersOf(const data::Sample& sample) {
  Members members = {{Extension(sample.key), sample.image}};
  if (sample.label >= 0) members.push_back({"cls", std::to_string(sample.label)});
  std::ifstream text(fs::path(sample.key).replace_extension(".txt"), std::ios::binary);
  if (text) {
    std::ostringstream caption;
    caption << text.rdbuf();
    members.push_back({"txt", caption.str()});
  }
  if (!sample.mask.empty()) members.push_back({"mask.png", sample.mask});
  const nlohmann::ordered_json facts = {{"file", sample.key}};
  members.push_back({"json", facts.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)});
  return members;
}

}  // namespace

FolderSetResult WriteFolderSet(const FolderSetOptions& options) {
  data::ResolveSources({options.folder});  // says what is there when the folder is not
  const data::FolderDataset images(options.folder, data::kDefaultMaxPixels, /*masks=*/true);
  if (images.size() == 0) {
    throw wire::Fault(wire::FaultClass::kUser, "NO_DATA",
                      "no JPEG or PNG image in " + options.folder, "name a folder with such files");
  }
  int64_t bytes = 0;
  for (int64_t i = 0; i < images.size(); ++i) bytes += images.bytes(i);
  const int64_t shards = std::min(images.size(), bytes / options.shard_bytes_max + 1);
  ShardWriter writer(options.out, "images", images.size(), static_cast<int>(shards));
  for (int64_t i = 0; i < images.size(); ++i) writer.Add(MembersOf(images.Get(i)));
  const nlohmann::ordered_json manifest = {{"made_by", "ocellus-pack folder"},
                                           {"count", images.size()},
                                           {"shards", shards},
                                           {"classes", images.class_names()}};
  writer.Finish({{"manifest.json",
                  manifest.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"}});
  return {images.size(), images.classes(), shards};
}

}  // namespace ocellus::pack
