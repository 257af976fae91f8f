#include "worker/store/local_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "worker/store/local_file.h"
#include "worker/store/local_writer.h"
#include "worker/store/object_key.h"
#include "worker/wire/fault.h"

namespace ocellus::store {
namespace {

constexpr std::chrono::seconds kTemporaryAgeMax{3600};
// How often Delete may remove a folder between its making and the rename into it.
constexpr int kPublishTriesMax = 1000;

std::string ParentOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

// Whether a key below folder `key` (which ends with '/') can start with `prefix`.
bool MayHold(const std::string& key, const std::string& prefix) {
  const size_t shared = std::min(key.size(), prefix.size());
  return key.compare(0, shared, prefix, 0, shared) == 0;
}

// `info` of a file.
std::string VersionOf(const struct stat& info) {
  return std::to_string(info.st_ino) + "-" + std::to_string(info.st_mtim.tv_sec) + "." +
         std::to_string(info.st_mtim.tv_nsec) + "-" + std::to_string(info.st_size);
}

}  // namespace

LocalStore::LocalStore(std::string root) : root_(std::move(root)) {
  const int error = MakeFoldersOf(std::string(kTemporaryFolder) + "/x");
  if (error) Fail("opening", kTemporaryFolder, error);
  SweepTemporaryFiles(kTemporaryAgeMax);
}

void LocalStore::Fail(const char* action, const std::string& key, int error) const {
  std::string outcome = "STORE_ERROR";
  std::string hint = "check the disk and the file system of " + root_;
  if (error == ENOSPC || error == EDQUOT) {
    outcome = "STORE_FULL";
    hint = "free space on the file system of " + root_ + " or lower checkpoint.keep";
  } else if (error == EACCES || error == EPERM || error == EROFS) {
    outcome = "STORE_DENIED";
    hint = "let this user write to " + root_ + " or choose another store";
  } else if (error == ENOTDIR || error == EISDIR || error == EEXIST) {
    hint = "a file is where a folder must be, or the reverse: move it away or choose another store";
  } else if (error == ENOENT) {
    outcome = "OBJECT_MISSING";
    hint = "see what is there with `ocellus checkpoint list`";
  }
  throw wire::Fault(wire::FaultClass::kStorage, outcome,
                    "store " + uri() + ": " + action + " " + key + ": " + std::strerror(error),
                    hint);
}

int LocalStore::MakeFoldersOf(const std::string& key) {
  const std::string folder = ParentOf(PathOf(key));
  for (size_t end = folder.find('/', 1);; end = folder.find('/', end + 1)) {
    const std::string part = folder.substr(0, end);
    if (mkdir(part.c_str(), 0755) == 0) {
      const int error = SyncFolder(ParentOf(part).empty() ? "/" : ParentOf(part));
      if (error) return error;
    } else if (errno != EEXIST && errno != EISDIR) {
      // A read-only or foreign parent is fine as long as the folder is there.
      const int error = errno;
      if (access(part.c_str(), F_OK) != 0) return error;
    }
    if (end == std::string::npos) return 0;
  }
}

int LocalStore::SweepTemporaryFiles(std::chrono::seconds age) {
  const std::string folder = root_ + "/" + kTemporaryFolder;
  int error = 0, swept = 0;
  for (const std::string& name : NamesIn(folder, &error)) {
    const std::string path = folder + "/" + name;
    const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    struct stat info {};
    if (file.get() < 0 || fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    const bool old = time(nullptr) - info.st_mtime >= age.count();
    if (old && flock(file.get(), LOCK_EX | LOCK_NB) == 0) swept += unlink(path.c_str()) == 0;
  }
  return swept;
}

int LocalStore::DropUnfinished(const std::string& prefix, std::chrono::seconds age) {
  RequirePrefix(uri(), prefix);
  return SweepTemporaryFiles(age);
}

int LocalStore::GiveName(const std::string& temporary, const std::string& path,
                         const Precondition& must) {
  const Descriptor lock(LockFolder(root_ + "/" + kTemporaryFolder, !must.version.empty()));
  if (!must.version.empty()) {
    struct stat info {};
    const bool there = stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
    if (!there || VersionOf(info) != must.version) return EEXIST;
  }
  const int done =
      must.absent ? link(temporary.c_str(), path.c_str()) : rename(temporary.c_str(), path.c_str());
  return done == 0 ? 0 : errno;
}

bool LocalStore::Publish(const std::string& temporary, const std::string& key,
                         const Precondition& must) {
  const std::string path = PathOf(key);
  for (int tries = 1;; ++tries) {
    const int unmade = must.version.empty() ? MakeFoldersOf(key) : 0;
    if (unmade == ENOENT && tries < kPublishTriesMax) continue;
    if (unmade) Fail("making the folder of", key, unmade);
    const int error = GiveName(temporary, path, must);
    if (error == 0) break;
    if (error == EEXIST && (must.absent || !must.version.empty())) return false;
    if (error != ENOENT || tries == kPublishTriesMax) Fail("naming", key, error);
  }
  const int error = SyncFolder(ParentOf(path));
  if (error) Fail("syncing the folder of", key, error);
  return true;
}

std::unique_ptr<ObjectWriter> LocalStore::Write(const std::string& key) {
  RequireKey(uri(), key);
  return std::make_unique<LocalWriter>(this, key);
}

void LocalStore::Put(const std::string& key, std::span<const std::byte> bytes) {
  const auto writer = Write(key);
  writer->Append(bytes);
  writer->Finish();
}

bool LocalStore::PutIfAbsent(const std::string& key, std::span<const std::byte> bytes) {
  if (Head(key)) return false;
  LocalWriter writer(this, key);
  writer.Append(bytes);
  return writer.Finish({.absent = true});
}

bool LocalStore::PutIfMatch(const std::string& key, std::span<const std::byte> bytes,
                            const std::string& version) {
  const auto info = Head(key);
  if (!info || info->version != version) return false;
  LocalWriter writer(this, key);
  writer.Append(bytes);
  return writer.Finish({.version = version});
}

std::optional<ObjectInfo> LocalStore::Head(const std::string& key) {
  RequireKey(uri(), key);
  struct stat info {};
  if (stat(PathOf(key).c_str(), &info) == 0) {
    if (!S_ISREG(info.st_mode)) return std::nullopt;
    return ObjectInfo{key, info.st_size, VersionOf(info)};
  }
  if (errno != ENOENT && errno != ENOTDIR) Fail("looking for", key, errno);
  return std::nullopt;
}

size_t LocalStore::Read(const std::string& key, int64_t offset, std::span<std::byte> out) {
  RequireKey(uri(), key);
  const Descriptor file(open(PathOf(key).c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) Fail("reading", key, errno);
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = pread(file.get(), out.data() + done, out.size() - done,
                              static_cast<off_t>(offset) + static_cast<off_t>(done));
    if (got == 0) break;
    if (got < 0 && errno != EINTR) Fail("reading", key, errno);
    if (got > 0) done += static_cast<size_t>(got);
  }
  return done;
}

ObjectPage LocalStore::ListPage(const std::string& prefix, const std::string& after, size_t limit) {
  RequirePrefix(uri(), prefix);
  ObjectPage page;
  std::vector<ObjectInfo>& objects = page.objects;
  // Start in the folder that the prefix names whole.
  std::vector<std::string> folders = {prefix.substr(0, prefix.rfind('/') + 1)};
  while (!folders.empty()) {
    const std::string folder = std::move(folders.back());
    folders.pop_back();
    int error = 0;
    for (const std::string& name : NamesIn(PathOf(folder), &error)) {
      struct stat info {};
      const std::string key = folder + name;
      if (!IsKeyPart(name) || lstat(PathOf(key).c_str(), &info) != 0) continue;
      if (S_ISDIR(info.st_mode) && MayHold(key + "/", prefix)) folders.push_back(key + "/");
      const bool wanted = S_ISREG(info.st_mode) && key.starts_with(prefix) && key > after;
      if (wanted) objects.push_back({key, info.st_size});
    }
    if (error) Fail("listing", folder, error);
  }
  std::sort(objects.begin(), objects.end(),
            [](const ObjectInfo& a, const ObjectInfo& b) { return a.key < b.key; });
  page.more = objects.size() > limit;
  if (page.more) objects.resize(limit);
  return page;
}

void LocalStore::Delete(const std::string& key) {
  RequireKey(uri(), key);
  const Descriptor lock(LockFolder(root_ + "/" + kTemporaryFolder, /*alone=*/false));
  if (unlink(PathOf(key).c_str()) != 0) {
    if (errno == ENOENT || errno == ENOTDIR || errno == EISDIR) return;
    Fail("deleting", key, errno);
  }
  // Folders that are empty now go too; one that is not, or the root, ends it.
  for (std::string folder = ParentOf(PathOf(key)); folder.size() > root_.size();
       folder = ParentOf(folder)) {
    if (rmdir(folder.c_str()) != 0) return;
  }
}

}  // namespace ocellus::store
