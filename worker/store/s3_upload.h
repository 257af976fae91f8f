// One object on its way to S3, in parts that several threads send while the next is filled.
//
// Memory: address.parallel + 1 parts. An object that fits into one part goes as a plain PUT. After
// a thousand parts the part's size doubles, so that 10,000 parts hold what S3 allows (5 TiB). Every
// part goes with its CRC-32C, and the completion with that of the whole, which S3 compares.
// Destroyed without Finish, the upload is aborted; where that fails, DropUnfinished finds it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "worker/store/object_store.h"
#include "worker/store/s3_client.h"

namespace ocellus::store {

class S3Writer : public ObjectWriter {
 public:
  // `client` is not owned and must outlive the writer. REQUIRES: `key` is one.
  S3Writer(S3Client* client, std::string key);
  ~S3Writer() override;

  // Waits while all buffers are on their way. Throws what a part failed with.
  void Append(std::span<const std::byte> part) override;
  void Finish() override;

 private:
  struct Part {
    int number = 0;
    std::vector<std::byte> bytes;
  };
  struct Sent {
    std::string etag;
    uint32_t crc32c = 0;
    uint64_t bytes = 0;
  };

  void Start();        // CreateMultipartUpload
  void SendCurrent();  // hands the filled part to the threads
  void Work();         // a thread
  Sent Send(const Part& part);
  void WaitForAll();
  void Complete();
  void ThrowIfFailed();  // REQUIRES: mutex_ is held

  S3Client* const client_;
  const std::string key_;
  const std::string name_;  // among the metadata
  std::string upload_id_;   // "" before Start and after Complete
  Part current_;
  size_t part_bytes_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Part> waiting_;                  // guarded by mutex_
  std::vector<std::vector<std::byte>> free_;  // guarded by mutex_; buffers to use again
  std::map<int, Sent> sent_;                  // guarded by mutex_; by number
  size_t on_their_way_ = 0;                   // guarded by mutex_; waiting or being sent
  bool stopping_ = false;                     // guarded by mutex_
  std::exception_ptr failure_;                // guarded by mutex_; the first
  std::vector<std::thread> threads_;
};

// Absent is no error.
void AbortUpload(S3Client* client, const std::string& key, const std::string& upload_id);

}  // namespace ocellus::store
