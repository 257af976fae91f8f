// One object on its way into a folder: a locked temporary file that gets its name at the end.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "worker/store/local_store.h"
#include "worker/store/streamed_file.h"

namespace ocellus::store {

// In the store's root. '~' begins no part of a key.
inline constexpr char kTemporaryFolder[] = "~temp";

// Its lock on the file tells sweepers that the writer lives. Destroyed without Finish, the file
// goes.
class LocalWriter : public ObjectWriter {
 public:
  // `store` is not owned and must outlive the writer. REQUIRES: `key` is one.
  LocalWriter(LocalStore* store, std::string key);
  ~LocalWriter() override;

  void Append(std::span<const std::byte> part) override;
  void Finish() override { Finish({}); }
  // False when the precondition does not hold.
  bool Finish(const LocalStore::Precondition& must);

 private:
  LocalStore* store_;
  std::string key_;
  std::string path_;
  int fd_ = -1;
  std::optional<StreamedFile> file_;
};

}  // namespace ocellus::store
