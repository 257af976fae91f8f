// Reading of one object: all of it, or ranges in parallel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "worker/store/object_store.h"
#include "worker/store/s3_client.h"

namespace ocellus::store {

// As ObjectStore::Read. One request for up to two parts' worth; else the first part tells the
// object's version and size, and the rest is read by address.parallel threads, each range only if
// it is of that version. Begins anew when the object is overwritten meanwhile.
size_t ReadRanges(S3Client* client, const std::string& key, int64_t offset,
                  std::span<std::byte> out);

// As ObjectStore::ReadVersion.
size_t ReadRangesOf(S3Client* client, const std::string& key, const std::string& version,
                    int64_t offset, std::span<std::byte> out);

// As ObjectStore::Head.
std::optional<ObjectInfo> StatObject(S3Client* client, const std::string& key);

// As ObjectStore::Get: a small object by one request that brings its checksum along, a larger one
// in ranges of the version that the checksum is of.
std::string ReadWhole(S3Client* client, const std::string& key);

}  // namespace ocellus::store
