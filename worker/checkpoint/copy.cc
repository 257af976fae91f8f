#include "worker/checkpoint/copy.h"

#include <memory>
#include <vector>

#include "worker/store/store_uri.h"
#include "worker/wire/fault.h"

namespace ocellus::checkpoint {
namespace {

constexpr size_t kPartBytes = 4 << 20;

void CopyFile(store::ObjectStore& from, const std::string& key, const FileEntry& entry,
              store::ObjectStore& to, const std::string& target) {
  std::vector<std::byte> part(kPartBytes);
  const std::unique_ptr<store::ObjectWriter> writer = to.Write(target);
  ReadChecked(
      from, key, entry, [&](int64_t, size_t bytes) { return std::span(part).first(bytes); },
      [&](std::span<const std::byte> bytes) { writer->Append(bytes); });
  writer->Finish();
}

wire::Fault Exists(const store::ObjectStore& to, const std::string& prefix) {
  return wire::Fault(wire::FaultClass::kUser, "EXISTS",
                     store::UriOf(to.uri(), prefix) + " holds a checkpoint already",
                     "give another place, or remove that one");
}

void RemoveQuietly(store::ObjectStore& to, const std::string& prefix,
                   const std::vector<FileEntry>& files) {
  try {
    for (const FileEntry& file : files) to.Delete(prefix + file.name);
  } catch (const wire::Fault&) {
    return;  // what made the copy fail may forbid this as well; the first fault is told
  }
}

}  // namespace

int64_t Copy(store::ObjectStore& from, const Candidate& candidate, store::ObjectStore& to,
             const std::string& prefix) {
  const std::string text = ReadManifestText(from, candidate.prefix);
  const Manifest manifest = ParseManifest(text, candidate.prefix + kManifestName);
  if (to.Head(prefix + kManifestName)) throw Exists(to, prefix);
  auto rewritten = nlohmann::json::parse(text);
  rewritten["copied_from"] = store::UriOf(from.uri(), candidate.prefix);
  const std::string new_text = rewritten.dump();
  auto bytes = static_cast<int64_t>(new_text.size());
  try {
    for (const FileEntry& file : manifest.files) {
      CopyFile(from, candidate.prefix + file.name, file, to, prefix + file.name);
      bytes += file.bytes;
    }
    if (!to.PutIfAbsent(prefix + kManifestName, std::as_bytes(std::span(new_text)))) {
      throw Exists(to, prefix);
    }
  } catch (const wire::Fault& fault) {
    if (fault.outcome() != "EXISTS") RemoveQuietly(to, prefix, manifest.files);
    throw;
  }
  return bytes;
}

}  // namespace ocellus::checkpoint
