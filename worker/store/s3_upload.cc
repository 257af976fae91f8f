#include "worker/store/s3_upload.h"

#include <algorithm>
#include <utility>

#include "worker/store/crc32c.h"
#include "worker/store/encoding.h"
#include "worker/store/s3_store.h"
#include "worker/store/xml.h"
#include "worker/wire/fault.h"

namespace ocellus::store {
namespace {

constexpr int kPartsOfOneSize = 1'000;

}  // namespace

S3Writer::S3Writer(S3Client* client, std::string key)
    : client_(client),
      key_(std::move(key)),
      name_(client->RandomName()),
      part_bytes_(client->address().part_bytes) {
  current_.number = 1;
}

S3Writer::~S3Writer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    waiting_.clear();
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  if (upload_id_.empty()) return;
  try {
    AbortUpload(client_, key_, upload_id_);
  } catch (const wire::Fault&) {
    // The storage is away; DropUnfinished finds the upload.
  }
}

void S3Writer::ThrowIfFailed() {
  if (failure_) std::rethrow_exception(failure_);
}

void S3Writer::Append(std::span<const std::byte> part) {
  if (part.size() >= part_bytes_) current_.bytes.reserve(part_bytes_);
  while (!part.empty()) {
    if (current_.bytes.size() == part_bytes_) SendCurrent();
    const size_t take = std::min(part.size(), part_bytes_ - current_.bytes.size());
    current_.bytes.insert(current_.bytes.end(), part.begin(),
                          part.begin() + static_cast<ptrdiff_t>(take));
    part = part.subspan(take);
  }
  const std::lock_guard lock(mutex_);
  ThrowIfFailed();
}

void S3Writer::Start() {
  S3Request request{.action = "beginning to write", .method = "POST", .key = key_};
  request.query = {{"uploads", ""}};
  request.headers = {{"x-amz-checksum-algorithm", "CRC32C"},
                     {"x-amz-checksum-type", "FULL_OBJECT"},
                     {kWriteHeader, name_}};
  const auto root = ParseXml(client_->Call(request).body);
  upload_id_ = root ? root->TextOf("UploadId") : "";
  if (upload_id_.empty()) {
    ThrowS3(client_->address(), request.action, key_,
            {.status = 200, .code = "NoUploadId", .message = "the answer names no upload"}, 1);
  }
}

void S3Writer::SendCurrent() {
  if (upload_id_.empty()) Start();
  const size_t parallel = client_->address().parallel;
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return on_their_way_ < parallel || failure_; });
  ThrowIfFailed();
  const int number = current_.number;
  waiting_.push_back(std::move(current_));
  ++on_their_way_;
  current_ = Part{number + 1};
  if (!free_.empty()) {
    current_.bytes = std::move(free_.back());
    free_.pop_back();
  }
  if (threads_.size() < on_their_way_) threads_.emplace_back([this] { Work(); });
  lock.unlock();
  changed_.notify_all();
  if (number % kPartsOfOneSize == 0) part_bytes_ *= 2;
  current_.bytes.clear();
  current_.bytes.reserve(part_bytes_);
}

void S3Writer::Work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    Part part = std::move(waiting_.front());
    waiting_.pop_front();
    const bool send = !failure_;
    lock.unlock();
    Sent sent;
    std::exception_ptr failure;
    try {
      if (send) sent = Send(part);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    sent_[part.number] = std::move(sent);
    free_.push_back(std::move(part.bytes));
    if (!failure_) failure_ = failure;
    --on_their_way_;
    changed_.notify_all();
  }
}

S3Writer::Sent S3Writer::Send(const Part& part) {
  const uint32_t sum = Crc32c(part.bytes);
  S3Request request{.action = "writing part " + std::to_string(part.number) + " of",
                    .method = "PUT",
                    .key = key_};
  request.query = {{"partNumber", std::to_string(part.number)}, {"uploadId", upload_id_}};
  request.headers = {{"x-amz-checksum-crc32c", Crc32cText(sum)}};
  request.body = part.bytes;
  return {client_->Call(request).Header("etag"), sum, part.bytes.size()};
}

void S3Writer::WaitForAll() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return on_their_way_ == 0; });
  ThrowIfFailed();
}

void S3Writer::Finish() {
  if (upload_id_.empty()) {
    S3Request request{.action = "writing", .method = "PUT", .key = key_, .body = current_.bytes};
    client_->Call(request);
    return;
  }
  if (!current_.bytes.empty()) SendCurrent();
  WaitForAll();
  Complete();
}

void S3Writer::Complete() {
  std::string body = "<CompleteMultipartUpload>";
  uint32_t sum = 0;
  uint64_t bytes = 0;
  for (const auto& [number, sent] : sent_) {
    body += "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><ETag>" +
            XmlEscape(sent.etag) + "</ETag><ChecksumCRC32C>" + Crc32cText(sent.crc32c) +
            "</ChecksumCRC32C></Part>";
    sum = CombineCrc32c(sum, sent.crc32c, sent.bytes);
    bytes += sent.bytes;
  }
  body += "</CompleteMultipartUpload>";
  S3Request request{.action = "finishing", .method = "POST", .key = key_};
  request.query = {{"uploadId", upload_id_}};
  request.headers = {{"Content-Type", "application/xml"},
                     {"x-amz-checksum-crc32c", Crc32cText(sum)},
                     {"x-amz-checksum-type", "FULL_OBJECT"},
                     {"x-amz-mp-object-size", std::to_string(bytes)}};
  request.body = std::as_bytes(std::span(body));
  request.expected = {404};
  request.fails_with_200 = true;
  const HttpResponse answer = client_->Call(request);
  // Gone: finished by an attempt whose answer was lost, or dropped by someone.
  const bool done = answer.status / 100 == 2 || IsWrittenAs(client_, key_, name_);
  if (!done) ThrowS3(client_->address(), request.action, key_, ErrorOf(answer), 1);
  upload_id_.clear();
}

void AbortUpload(S3Client* client, const std::string& key, const std::string& upload_id) {
  S3Request request{.action = "dropping what was written of", .method = "DELETE", .key = key};
  request.query = {{"uploadId", upload_id}};
  request.expected = {404};
  client->Call(request);
}

}  // namespace ocellus::store
