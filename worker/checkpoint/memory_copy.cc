#include "worker/checkpoint/memory_copy.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <vector>

#include "worker/store/crc32c.h"
#include "worker/wire/fault.h"

namespace ocellus::checkpoint {
namespace {

using nlohmann::json;

constexpr size_t kPage = 4096;
constexpr size_t kAlign = 64;
// A head's text may grow by so much before the slots are laid out anew.
constexpr size_t kRoom = 1 << 20;
constexpr char kMagic[8] = {'O', 'C', 'E', 'L', 'M', 'E', 'M', '1'};

// At the start of the memory.
struct Layout {
  char magic[8];
  uint64_t slot_bytes;
};

// At the start of a slot; the text and the files follow a page later.
struct Head {
  char magic[8];
  uint64_t sequence;  // 0: no state
  uint64_t text_bytes;
  uint64_t payload_bytes;  // text and files
  uint32_t payload_crc;
  uint32_t head_crc;  // of what is above
  uint32_t uses;
};

size_t Aligned(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

uint32_t CrcOf(const Head& head) {
  return store::Crc32c(std::as_bytes(std::span(&head, 1)).first(offsetof(Head, head_crc)));
}

Head* HeadAt(std::byte* slot) { return reinterpret_cast<Head*>(slot); }

bool IsWhole(const Head& head, size_t slot_bytes) {
  return std::memcmp(head.magic, kMagic, sizeof kMagic) == 0 && head.sequence > 0 &&
         head.head_crc == CrcOf(head) && head.text_bytes <= head.payload_bytes &&
         head.payload_bytes <= slot_bytes - kPage;
}

// What is to be copied, and where in the payload it goes.
struct Plan {
  std::string text;
  std::vector<std::pair<size_t, FileLayout>> files;
  size_t bytes = 0;
};

Plan MakePlan(const Manifest& manifest, const FileSources& sources, const std::string& notes) {
  Plan plan;
  json files = json::array();
  size_t offset = 0;  // from the end of the text
  for (const auto& [name, source] : sources) {
    FileLayout layout = LayOut(source);
    const size_t bytes = layout.header.size() + layout.data_bytes;
    files.push_back({{"name", name}, {"offset", offset}, {"bytes", bytes}});
    plan.files.push_back({offset, std::move(layout)});
    offset = Aligned(offset + bytes, kAlign);
  }
  plan.text = json{{"job", manifest.job},   {"generation", manifest.generation},
                   {"step", manifest.step}, {"state", manifest.state},
                   {"notes", notes},        {"files", files}}
                  .dump();
  plan.text.resize(Aligned(plan.text.size(), kAlign), ' ');
  plan.bytes = plan.text.size() + offset;
  return plan;
}

}  // namespace

MemoryCopy::~MemoryCopy() {
  if (bytes_) munmap(bytes_, mapped_);
}

std::byte* MemoryCopy::Slot(int index) const {
  return bytes_ + kPage + static_cast<size_t>(index) * slot_bytes_;
}

// Maps what is there, when it is as large as its layout says.
bool MemoryCopy::Map() {
  struct stat info {};
  if (bytes_) return true;
  if (fstat(fd_, &info) != 0 || info.st_size < static_cast<off_t>(kPage)) return false;
  const auto size = static_cast<size_t>(info.st_size);
  void* address = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
  if (address == MAP_FAILED) return false;
  Layout layout;
  std::memcpy(&layout, address, sizeof layout);
  const bool sound = std::memcmp(layout.magic, kMagic, sizeof kMagic) == 0 &&
                     layout.slot_bytes > kPage && layout.slot_bytes <= (size - kPage) / 2;
  if (!sound) {
    munmap(address, size);
    return false;
  }
  bytes_ = static_cast<std::byte*>(address);
  mapped_ = size;
  slot_bytes_ = layout.slot_bytes;
  return true;
}

// Empty slots of that size. The pages are taken now: a shortage is an error here, not a signal in
// the middle of a copy.
void MemoryCopy::Resize(size_t slot_bytes) {
  if (bytes_) munmap(bytes_, mapped_);
  bytes_ = nullptr;
  const size_t size = kPage + 2 * slot_bytes;
  const bool made =
      ftruncate(fd_, 0) == 0 && posix_fallocate(fd_, 0, static_cast<off_t>(size)) == 0;
  Layout layout{};
  std::memcpy(layout.magic, kMagic, sizeof kMagic);
  layout.slot_bytes = slot_bytes;
  if (made && pwrite(fd_, &layout, sizeof layout, 0) == sizeof layout && Map()) return;
  if (ftruncate(fd_, 0) != 0) slot_bytes_ = 0;  // what is left then is not sound, and never read
  throw wire::Fault(
      wire::FaultClass::kInfraProcess, "NO_MEMORY",
      "no room for a copy of the state in memory: 2 x " + std::to_string(slot_bytes >> 20) + " MiB",
      "set checkpoint.memory_copy: false, or give the machine more memory");
}

void MemoryCopy::Write(const Manifest& manifest, const FileSources& sources,
                       const std::string& notes) {
  const Plan plan = MakePlan(manifest, sources, notes);
  if (!Map() || plan.bytes > slot_bytes_ - kPage) {
    Resize(Aligned(kPage + plan.bytes + kRoom, kPage));
  }
  const Head* heads[2] = {HeadAt(Slot(0)), HeadAt(Slot(1))};
  const bool whole[2] = {IsWhole(*heads[0], slot_bytes_), IsWhole(*heads[1], slot_bytes_)};
  const uint64_t first = whole[0] ? heads[0]->sequence : 0;
  const uint64_t second = whole[1] ? heads[1]->sequence : 0;
  std::byte* const slot = Slot(first <= second ? 0 : 1);

  Head head{};
  std::memcpy(slot, &head, sizeof head);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  std::byte* const payload = slot + kPage;
  std::memcpy(payload, plan.text.data(), plan.text.size());
  for (const auto& [offset, layout] : plan.files) {
    std::byte* const at = payload + plan.text.size() + offset;
    std::memcpy(at, layout.header.data(), layout.header.size());
    CopyValues(layout, at + layout.header.size());
  }
  std::memcpy(head.magic, kMagic, sizeof kMagic);
  head.sequence = std::max(first, second) + 1;
  head.text_bytes = plan.text.size();
  head.payload_bytes = plan.bytes;
  head.payload_crc = store::Crc32c({payload, plan.bytes});
  head.head_crc = CrcOf(head);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  std::memcpy(slot, &head, sizeof head);
}

std::optional<MemoryState> MemoryCopy::ReadSlot(int index) const {
  std::byte* const slot = Slot(index);
  Head head;
  std::memcpy(&head, slot, sizeof head);
  if (!IsWhole(head, slot_bytes_) || head.uses >= kMemoryUsesMax) return std::nullopt;
  std::byte* const payload = slot + kPage;
  if (store::Crc32c({payload, head.payload_bytes}) != head.payload_crc) return std::nullopt;
  const std::string text(reinterpret_cast<const char*>(payload), head.text_bytes);
  const json object = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return std::nullopt;
  MemoryState state{.job = object.at("job"),
                    .generation = object.at("generation"),
                    .step = object.at("step"),
                    .state = object.at("state"),
                    .notes = object.at("notes"),
                    .crc = head.payload_crc,
                    .sequence = head.sequence};
  for (const json& file : object.at("files")) {
    const std::string name = file.at("name");
    const size_t offset = head.text_bytes + file.at("offset").get<size_t>();
    // The mapping is this object's, so the views own nothing.
    const std::shared_ptr<const std::byte[]> view(payload + offset, [](const std::byte*) {});
    state.files[name] = SafetensorsFile::Parse(view, file.at("bytes"), "memory: " + name);
  }
  return state;
}

std::optional<MemoryState> MemoryCopy::Read(const std::string& job, int64_t newest_generation) {
  if (!Map()) return std::nullopt;
  std::optional<MemoryState> best;
  for (int index : {0, 1}) {
    auto state = ReadSlot(index);
    const bool ours = state && state->job == job && state->generation >= 1 &&
                      state->generation <= newest_generation;
    if (ours && (!best || state->sequence > best->sequence)) best = std::move(state);
  }
  return best;
}

void MemoryCopy::CountUse(const MemoryState& state) {
  for (int index : {0, 1}) {
    Head* const head = HeadAt(Slot(index));
    if (head->sequence == state.sequence) ++head->uses;
  }
}

}  // namespace ocellus::checkpoint
