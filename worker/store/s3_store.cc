#include "worker/store/s3_store.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "worker/store/crc32c.h"
#include "worker/store/encoding.h"
#include "worker/store/object_key.h"
#include "worker/store/s3_read.h"
#include "worker/store/s3_upload.h"
#include "worker/store/xml.h"
#include "worker/wire/fault.h"

namespace ocellus::store {
namespace {

constexpr size_t kPageMax = 1'000;
constexpr size_t kDeleteBatchMax = 1'000;
// Of the size of a part: what a large state is cut into, and what still goes as one PUT.
constexpr size_t kPartsOfAPortion = 4, kPartsOfAPut = 8;

// The last part of a key as S3's lists give it.
bool IsKey(const std::string& key) {
  try {
    RequireKey("", key);
    return true;
  } catch (const wire::Fault&) {
    return false;
  }
}

XmlElement Parsed(const S3Address& address, const std::string& action, const HttpResponse& answer) {
  auto root = ParseXml(answer.body);
  if (!root) {
    ThrowS3(address, action, "",
            {.status = answer.status, .code = "NoXml", .message = "the answer is no XML"}, 1);
  }
  return *std::move(root);
}

}  // namespace

std::unique_ptr<S3Store> S3Store::Open(const std::string& uri) {
  const Environment environment = ProcessEnvironment();
  const Profile profile = LoadProfile(environment);
  return std::make_unique<S3Store>(
      std::make_unique<S3Client>(ParseS3Uri(uri, environment, profile), environment, profile));
}

std::unique_ptr<ObjectWriter> S3Store::Write(const std::string& key) {
  RequireKey(uri(), key);
  return std::make_unique<S3Writer>(client_.get(), key);
}

void S3Store::Put(const std::string& key, std::span<const std::byte> bytes) {
  RequireKey(uri(), key);
  if (bytes.size() > kPartsOfAPut * address().part_bytes) {
    S3Writer writer(client_.get(), key);
    writer.Append(bytes);
    return writer.Finish();
  }
  client_->Call({.action = "writing", .method = "PUT", .key = key, .body = bytes});
}

Portions S3Store::portions() const {
  return {kPartsOfAPortion * address().part_bytes, static_cast<int>(address().parallel)};
}

bool S3Store::PutIf(const std::string& key, std::span<const std::byte> bytes,
                    const std::string& header, const std::string& value) {
  RequireKey(uri(), key);
  const std::string name = client_->RandomName();
  S3Request request{.action = "writing", .method = "PUT", .key = key, .body = bytes};
  request.headers = {{header, value}, {kWriteHeader, name}};
  request.expected = {404, 412};
  const HttpResponse answer = client_->Call(request);
  if (answer.status == 404 && ErrorOf(answer).code == "NoSuchBucket") {
    ThrowS3(address(), request.action, key, ErrorOf(answer), 1);
  }
  // Refused, perhaps on account of an attempt of our own whose answer was lost.
  return answer.status / 100 == 2 || IsWrittenAs(client_.get(), key, name);
}

bool S3Store::PutIfAbsent(const std::string& key, std::span<const std::byte> bytes) {
  return PutIf(key, bytes, "If-None-Match", "*");
}

bool S3Store::PutIfMatch(const std::string& key, std::span<const std::byte> bytes,
                         const std::string& version) {
  return PutIf(key, bytes, "If-Match", version);
}

bool IsWrittenAs(S3Client* client, const std::string& key, const std::string& name) {
  const HttpResponse answer =
      client->Call({.action = "looking for", .method = "HEAD", .key = key, .expected = {404}});
  return answer.status == 200 && answer.Header(kWriteHeader) == name;
}

std::optional<ObjectInfo> S3Store::Head(const std::string& key) {
  RequireKey(uri(), key);
  return StatObject(client_.get(), key);
}

size_t S3Store::Read(const std::string& key, int64_t offset, std::span<std::byte> out) {
  RequireKey(uri(), key);
  if (!out.empty()) return ReadRanges(client_.get(), key, offset, out);
  std::byte none;
  ReadRanges(client_.get(), key, offset, std::span(&none, 1));  // that it is there
  return 0;
}

size_t S3Store::ReadVersion(const std::string& key, const std::string& version, int64_t offset,
                            std::span<std::byte> out) {
  RequireKey(uri(), key);
  return out.empty() ? 0 : ReadRangesOf(client_.get(), key, version, offset, out);
}

std::string S3Store::Get(const std::string& key) {
  RequireKey(uri(), key);
  return ReadWhole(client_.get(), key);
}

ObjectPage S3Store::ListPage(const std::string& prefix, const std::string& after, size_t limit) {
  RequirePrefix(uri(), prefix);
  S3Request request{.action = "listing", .method = "GET"};
  std::string start = after.empty() ? "" : address().prefix + after;
  ObjectPage page;
  do {
    request.query = {{"list-type", "2"},
                     {"encoding-type", "url"},
                     {"prefix", address().prefix + prefix},
                     {"max-keys", std::to_string(std::min(limit, kPageMax))}};
    if (!start.empty()) request.query.emplace_back("start-after", start);
    const XmlElement root = Parsed(address(), request.action, client_->Call(request));
    const bool encoded = root.TextOf("EncodingType") == "url";
    page.more = root.TextOf("IsTruncated") == "true";
    const std::string before = start;
    for (const XmlElement& object : root.children) {
      if (object.name != "Contents") continue;
      const std::string text = object.TextOf("Key");
      start = encoded ? PercentDecode(text, /*plus_is_space=*/true) : text;
      if (!start.starts_with(address().prefix)) continue;
      const std::string key = start.substr(address().prefix.size());
      if (IsKey(key)) page.objects.push_back({key, std::atoll(object.TextOf("Size").c_str())});
    }
    if (page.more && start == before) {
      ThrowS3(
          address(), request.action, prefix,
          {.status = 200, .code = "NoProgress", .message = "an empty page that is not the last"},
          1);
    }
  } while (page.more && page.objects.empty());
  return page;
}

void S3Store::Delete(const std::string& key) {
  RequireKey(uri(), key);
  const HttpResponse answer =
      client_->Call({.action = "deleting", .method = "DELETE", .key = key, .expected = {404}});
  if (answer.status == 404 && ErrorOf(answer).code == "NoSuchBucket") {
    ThrowS3(address(), "deleting", key, ErrorOf(answer), 1);
  }
}

void S3Store::DeleteAll(std::span<const std::string> keys) {
  for (const std::string& key : keys) RequireKey(uri(), key);
  while (!keys.empty()) {
    const auto batch = keys.first(std::min(keys.size(), kDeleteBatchMax));
    DeleteBatch(batch);
    keys = keys.subspan(batch.size());
  }
}

void S3Store::DeleteBatch(std::span<const std::string> keys) {
  std::string body = "<Delete><Quiet>true</Quiet>";
  for (const std::string& key : keys) {
    body += "<Object><Key>" + XmlEscape(address().prefix + key) + "</Key></Object>";
  }
  body += "</Delete>";
  S3Request request{.action = "deleting", .method = "POST", .query = {{"delete", ""}}};
  request.headers = {{"Content-Type", "application/xml"},
                     {"x-amz-sdk-checksum-algorithm", "CRC32C"}};
  request.body = std::as_bytes(std::span(body));
  request.expected = {400, 501};
  const HttpResponse answer = client_->Call(request);
  // A server without batches, or with a failure of single keys: one by one, which says which.
  if (answer.status != 200) return ObjectStore::DeleteAll(keys);
  const XmlElement root = Parsed(address(), request.action, answer);
  for (const XmlElement& error : root.children) {
    if (error.name == "Error" && error.TextOf("Key").starts_with(address().prefix)) {
      Delete(error.TextOf("Key").substr(address().prefix.size()));
    }
  }
}

int S3Store::DropUnfinished(const std::string& prefix, std::chrono::seconds age) {
  RequirePrefix(uri(), prefix);
  S3Request list{.action = "listing uploads below", .method = "GET", .key = ""};
  list.query = {{"uploads", ""}, {"prefix", address().prefix + prefix}};
  const XmlElement root = Parsed(address(), list.action, client_->Call(list));
  int dropped = 0;
  for (const XmlElement& upload : root.children) {
    const std::string object = upload.TextOf("Key");
    const auto begun = ParseTime(upload.TextOf("Initiated"));
    if (upload.name != "Upload" || !begun || !object.starts_with(address().prefix + prefix) ||
        time(nullptr) - *begun < age.count()) {
      continue;
    }
    AbortUpload(client_.get(), object.substr(address().prefix.size()), upload.TextOf("UploadId"));
    ++dropped;
  }
  return dropped;
}

}  // namespace ocellus::store
