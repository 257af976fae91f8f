#include "worker/data/shard.h"
#include "worker/wire/fault.h"

namespace ocellus::data {

FileShard::FileShard(const std::string& path, OpenFiles* files) : files_(files) {
  name_ = path;
  index_ = OpenShardIndex(File(path));
}

std::vector<std::string> FileShard::Read(std::span<const Piece> pieces) {
  const auto file = files_->Get(name_);
  if (!(file->stamp() == index_.shard)) {
    files_->Close(name_);
    throw wire::Fault(wire::FaultClass::kStorage, "DATA_UNREADABLE",
                      name_ + ": was changed during the run", "start the job again");
  }
  std::vector<std::string> bytes;
  for (const Piece& piece : pieces) bytes.push_back(file->ReadExactly(piece.offset, piece.bytes));
  return bytes;
}

}  // namespace ocellus::data
