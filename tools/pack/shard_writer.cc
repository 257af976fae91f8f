#include "tools/pack/shard_writer.h"

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "worker/data/file.h"
#include "worker/data/shard_index.h"
#include "worker/wire/fault.h"

namespace ocellus::pack {
namespace {

std::string Numbered(int64_t number) {
  char text[24];
  std::snprintf(text, sizeof text, "%06lld", static_cast<long long>(number));
  return text;
}

}  // namespace

ShardWriter::ShardWriter(std::string folder, std::string prefix, int64_t count, int shards)
    : folder_(std::move(folder)), prefix_(std::move(prefix)), count_(count), shards_(shards) {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (!error) return;
  throw wire::Fault(wire::FaultClass::kUser, "UNWRITABLE",
                    folder_ + ": cannot make the folder: " + error.message(),
                    "choose another --out");
}

void ShardWriter::Add(const Members& members) {
  const int shard = static_cast<int>(added_ * shards_ / count_);
  if (tar_ == nullptr || shard >= opened_) {
    CloseShard();
    paths_.push_back(folder_ + "/" + prefix_ + "-" + Numbered(opened_++) + ".tar");
    tar_ = std::make_unique<TarWriter>(paths_.back());
  }
  const std::string key = Numbered(added_++);
  for (const auto& [extension, content] : members) tar_->Add(key + "." + extension, content);
}

void ShardWriter::Finish(const Members& files) {
  CloseShard();
  for (const std::string& path : paths_) data::OpenShardIndex(data::File(path));
  for (const auto& [name, content] : files) {
    std::ofstream out(folder_ + "/" + name, std::ios::binary);
    if (out << content << std::flush) continue;
    throw wire::Fault(wire::FaultClass::kUser, "UNWRITABLE",
                      folder_ + "/" + name + ": cannot write",
                      "free some disk space or choose another --out");
  }
}

void ShardWriter::CloseShard() {
  if (tar_ != nullptr) tar_->Close();
  tar_ = nullptr;
}

}  // namespace ocellus::pack
