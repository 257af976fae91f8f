// An object store in a bucket of S3, or of a server that speaks it. The URI: s3_address.h;
// credentials: credentials.h; errors: s3_error.h; pauses and attempts: retry.h.
//
// Bytes on their way in are held by the server against their CRC-32C (and, over plain HTTP, their
// signed SHA-256), which it keeps beside the object; Get holds what comes out against it. A
// conditional write whose answer was lost is recognised by a random name in the object's metadata
// (x-amz-meta-ocellus-write), so that a retry never takes its own first attempt for another writer.
// A writer sends objects over part_bytes in parallel parts, Put those over eight of them; Get reads
// in parallel ranges of one version. List passes over objects whose names are no keys (folders that
// consoles make).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "worker/store/object_store.h"
#include "worker/store/s3_client.h"

namespace ocellus::store {

class S3Store : public ObjectStore {
 public:
  // By the process's environment and ~/.aws. Does not connect.
  static std::unique_ptr<S3Store> Open(const std::string& uri);
  explicit S3Store(std::unique_ptr<S3Client> client) : client_(std::move(client)) {}

  std::unique_ptr<ObjectWriter> Write(const std::string& key) override;
  void Put(const std::string& key, std::span<const std::byte> bytes) override;
  bool PutIfAbsent(const std::string& key, std::span<const std::byte> bytes) override;
  bool PutIfMatch(const std::string& key, std::span<const std::byte> bytes,
                  const std::string& version) override;
  std::optional<ObjectInfo> Head(const std::string& key) override;
  std::string Get(const std::string& key) override;
  size_t Read(const std::string& key, int64_t offset, std::span<std::byte> out) override;
  size_t ReadVersion(const std::string& key, const std::string& version, int64_t offset,
                     std::span<std::byte> out) override;
  ObjectPage ListPage(const std::string& prefix, const std::string& after, size_t limit) override;
  void Delete(const std::string& key) override;
  void DeleteAll(std::span<const std::string> keys) override;
  int DropUnfinished(const std::string& prefix, std::chrono::seconds age) override;
  // Plain PUTs: a server that keeps files copies the parts of a multipart upload once more.
  Portions portions() const override;
  std::string uri() const override { return address().uri; }

 private:
  const S3Address& address() const { return client_->address(); }
  bool PutIf(const std::string& key, std::span<const std::byte> bytes, const std::string& header,
             const std::string& value);
  void DeleteBatch(std::span<const std::string> keys);

  std::unique_ptr<S3Client> client_;
};

// The random name of a write among an object's metadata.
inline constexpr char kWriteHeader[] = "x-amz-meta-ocellus-write";
// Whether the object there now is the one that was written as `name`.
bool IsWrittenAs(S3Client* client, const std::string& key, const std::string& name);

}  // namespace ocellus::store
