#include "worker/store/s3_read.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "worker/store/crc32c.h"
#include "worker/store/s3_error.h"

namespace ocellus::store {
namespace {

constexpr int kOverwritesMax = 100;
constexpr int kDamagedTriesMax = 4;

struct Range {
  size_t bytes = 0;   // that were read
  int64_t total = 0;  // of the object
  std::string version;
  bool overwritten = false;
};

[[noreturn]] void ThrowOverwritten(S3Client* client, const std::string& key, int tries) {
  ThrowS3(client->address(), "reading", key,
          {.code = "Overwritten", .message = "it is overwritten faster than it can be read"},
          tries);
}

// One range; `version` "" takes any.
Range ReadOne(S3Client* client, const std::string& key, int64_t offset, std::span<std::byte> out,
              const std::string& version) {
  S3Request request{.action = "reading", .method = "GET", .key = key};
  const int64_t last = offset + static_cast<int64_t>(out.size()) - 1;
  request.headers = {{"Range", "bytes=" + std::to_string(offset) + "-" + std::to_string(last)}};
  if (!version.empty()) request.headers.emplace_back("If-Match", version);
  request.into = out;
  request.expected = {412, 416};
  const HttpResponse answer = client->Call(request);
  Range range{answer.into_bytes};
  range.overwritten = answer.status == 412;
  range.version = answer.Header("etag");
  if (answer.status != 206) {
    if (answer.status == 200 && !answer.body.empty()) {
      ThrowS3(client->address(), "reading", key,
              {.status = 200, .code = "NoRange", .message = "the server ignores Range"}, 1);
    }
    return range;
  }
  const std::string content = answer.Header("content-range");  // "bytes 0-9/100"
  range.total = std::atoll(content.substr(content.find('/') + 1).c_str());
  const int64_t wanted = std::min<int64_t>(range.total - offset, static_cast<int64_t>(out.size()));
  if (content != "bytes " + std::to_string(offset) + "-" + std::to_string(offset + wanted - 1) +
                     "/" + std::to_string(range.total) ||
      range.bytes != static_cast<size_t>(wanted)) {
    ThrowDamaged(client->address().uri, key, "the server gave another range than asked for");
  }
  return range;
}

// The parts of `out` behind the first, by several threads. False when the object was overwritten.
bool ReadRest(S3Client* client, const std::string& key, int64_t offset, std::span<std::byte> out,
              const std::string& version) {
  const size_t part = client->address().part_bytes;
  const size_t parts = (out.size() + part - 1) / part;
  std::atomic<size_t> next{0};
  std::atomic<bool> overwritten{false};
  std::mutex mutex;
  std::exception_ptr failure;  // the first
  const auto work = [&] {
    try {
      for (size_t i = next++; i < parts && !overwritten; i = next++) {
        const auto piece = out.subspan(i * part, std::min(part, out.size() - i * part));
        const int64_t at = offset + static_cast<int64_t>(i * part);
        const Range range = ReadOne(client, key, at, piece, version);
        if (range.bytes != piece.size()) overwritten = true;
      }
    } catch (...) {
      next = parts;
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  std::vector<std::jthread> threads;
  for (size_t i = 1; i < std::min(parts, client->address().parallel); ++i)
    threads.emplace_back(work);
  work();
  threads.clear();
  if (failure) std::rethrow_exception(failure);
  return !overwritten;
}

// A sum of sums, of an object in parts, is none of the object.
std::optional<uint32_t> SumOf(const HttpResponse& answer) {
  if (answer.Header("x-amz-checksum-type") == "COMPOSITE") return std::nullopt;
  return ParseCrc32c(answer.Header("x-amz-checksum-crc32c"));
}

bool Holds(const std::string& bytes, const std::optional<uint32_t>& sum) {
  return !sum || Crc32c(std::as_bytes(std::span(bytes))) == *sum;
}

// In one request; nothing when it has more than two parts' worth.
std::optional<std::string> ReadSmall(S3Client* client, const std::string& key) {
  for (int tries = 1;; ++tries) {
    S3Request request{.action = "reading", .method = "GET", .key = key};
    request.headers = {{"x-amz-checksum-mode", "ENABLED"}};
    request.body_bytes_max = 2 * client->address().part_bytes;
    HttpResponse answer = client->Call(request);
    if (answer.transport == Transport::kTooLong) return std::nullopt;
    if (Holds(answer.body, SumOf(answer))) return std::move(answer.body);
    if (tries == kDamagedTriesMax) ThrowDamaged(client->address().uri, key, "its CRC-32C differs");
  }
}

// Of one version; nothing when it was overwritten meanwhile.
std::optional<std::string> ReadVersion(S3Client* client, const std::string& key,
                                       const ObjectInfo& info) {
  for (int tries = 1;; ++tries) {
    std::string bytes(static_cast<size_t>(info.bytes), '\0');
    if (!ReadRest(client, key, 0, std::as_writable_bytes(std::span(bytes)), info.version)) {
      return std::nullopt;
    }
    if (Holds(bytes, info.crc32c)) return bytes;
    if (tries == kDamagedTriesMax) ThrowDamaged(client->address().uri, key, "its CRC-32C differs");
  }
}

}  // namespace

size_t ReadRanges(S3Client* client, const std::string& key, int64_t offset,
                  std::span<std::byte> out) {
  const size_t part = client->address().part_bytes;
  const size_t first = out.size() > 2 * part ? part : out.size();
  for (int tries = 1;; ++tries) {
    const Range range = ReadOne(client, key, offset, out.first(first), "");
    if (range.bytes < first || first == out.size()) return range.bytes;
    const size_t end =
        std::min(out.size(), static_cast<size_t>(std::max<int64_t>(range.total - offset, 0)));
    if (range.version.empty()) {
      ThrowDamaged(client->address().uri, key, "the server gave no ETag");
    }
    if (ReadRest(client, key, offset + static_cast<int64_t>(first), out.subspan(first, end - first),
                 range.version)) {
      return end;
    }
    if (tries == kOverwritesMax) ThrowOverwritten(client, key, tries);
  }
}

size_t ReadRangesOf(S3Client* client, const std::string& key, const std::string& version,
                    int64_t offset, std::span<std::byte> out) {
  const size_t part = client->address().part_bytes;
  const size_t first = out.size() > 2 * part ? part : out.size();
  const Range range = ReadOne(client, key, offset, out.first(first), version);
  if (range.overwritten) ThrowChanged(client->address().uri, key);
  if (range.bytes < first || first == out.size()) return range.bytes;
  const size_t end =
      std::min(out.size(), static_cast<size_t>(std::max<int64_t>(range.total - offset, 0)));
  if (!ReadRest(client, key, offset + static_cast<int64_t>(first), out.subspan(first, end - first),
                version)) {
    ThrowChanged(client->address().uri, key);
  }
  return end;
}

std::optional<ObjectInfo> StatObject(S3Client* client, const std::string& key) {
  S3Request request{.action = "looking for", .method = "HEAD", .key = key, .expected = {404}};
  request.headers = {{"x-amz-checksum-mode", "ENABLED"}};
  const HttpResponse answer = client->Call(request);
  if (answer.status == 404) return std::nullopt;
  return ObjectInfo{key, std::atoll(answer.Header("content-length").c_str()), answer.Header("etag"),
                    SumOf(answer)};
}

std::string ReadWhole(S3Client* client, const std::string& key) {
  if (auto bytes = ReadSmall(client, key)) return *std::move(bytes);
  for (int tries = 1;; ++tries) {
    const auto info = StatObject(client, key);
    if (!info) ThrowMissing(client->address().uri, key);
    if (auto bytes = ReadVersion(client, key, *info)) return *std::move(bytes);
    if (tries == kOverwritesMax) ThrowOverwritten(client, key, tries);
  }
}

}  // namespace ocellus::store
