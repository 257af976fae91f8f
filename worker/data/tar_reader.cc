#include "worker/data/tar_reader.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "worker/wire/fault.h"

namespace ocellus::data {
namespace {

constexpr int64_t kBlock = 512;
constexpr int64_t kNameLimit = 1 << 20;  // bytes of a pax or long-name header that we believe

// Fields of a header: offset and width.
struct Field {
  int at;
  int width;
};
constexpr Field kName{0, 100};
constexpr Field kSize{124, 12};
constexpr Field kSum{148, 8};
constexpr int kType = 156;
constexpr Field kMagic{257, 6};
constexpr Field kPrefix{345, 155};

std::string Text(const char* header, Field field) {
  const char* begin = header + field.at;
  return std::string(begin, strnlen(begin, field.width));
}

// Octal digits among spaces, or GNU's base-256 when the first bit is set. -1 when it is neither.
int64_t Number(const char* header, Field field) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(header + field.at);
  if (bytes[0] & 0x80) {
    uint64_t value = bytes[0] & 0x3F;
    for (int i = 1; i < field.width; ++i) value = value << 8 | bytes[i];
    return (bytes[0] & 0x40) || value >> 62 ? -1 : static_cast<int64_t>(value);
  }
  int64_t value = 0;
  int i = 0;
  while (i < field.width && bytes[i] == ' ') ++i;
  for (; i < field.width && bytes[i] != ' ' && bytes[i] != 0; ++i) {
    if (bytes[i] < '0' || bytes[i] > '7') return -1;
    value = value * 8 + (bytes[i] - '0');
  }
  return value;
}

bool SumIsRight(const char* header) {
  int64_t sum = 0;
  for (int i = 0; i < kBlock; ++i) {
    const bool blank = i >= kSum.at && i < kSum.at + kSum.width;
    sum += blank ? ' ' : static_cast<uint8_t>(header[i]);
  }
  return sum == Number(header, kSum);
}

std::string NameOf(const char* header) {
  const std::string prefix =
      std::memcmp(header + kMagic.at, "ustar", 6) == 0 ? Text(header, kPrefix) : "";
  const std::string name = Text(header, kName);
  return prefix.empty() ? name : prefix + "/" + name;
}

int64_t Padded(int64_t bytes) { return (bytes + kBlock - 1) / kBlock * kBlock; }

}  // namespace

bool TarReader::Next(TarEntry* entry) {
  char header[kBlock];
  while (ReadHeader(header)) {
    const int64_t size = Number(header, kSize);
    if (size < 0) ThrowDamaged("the size in the header is no number");
    const char type = header[kType];
    const int64_t content = at_ + kBlock;
    if (type == 'x' || type == 'g' || type == 'L' || type == 'K') {
      const std::string text = type == 'g' || type == 'K' ? "" : ReadText(size, "a long name");
      if (type == 'x') ApplyPax(text);
      if (type == 'L') long_name_ = text.substr(0, text.find('\0'));
      at_ = content + Padded(size);
      continue;
    }
    const bool regular = type == '0' || type == '\0' || type == '7';
    const int64_t bytes = regular && long_bytes_ >= 0 ? long_bytes_ : size;
    *entry = {long_name_.empty() ? NameOf(header) : long_name_, content, bytes};
    long_name_.clear();
    long_bytes_ = -1;
    if (bytes > file_.bytes() - content) ThrowTruncated("inside " + entry->name);
    at_ = content + Padded(bytes);
    if (regular && !entry->name.ends_with('/')) return true;
  }
  return false;
}

bool TarReader::ReadHeader(char* header) {
  const int64_t got = file_.Read(at_, kBlock, header);
  if (got < kBlock) ThrowTruncated(got == 0 ? "before its end mark" : "inside a header");
  if (std::all_of(header, header + kBlock, [](char c) { return c == 0; })) return false;
  if (!SumIsRight(header)) ThrowDamaged("the check sum of the header is wrong");
  return true;
}

std::string TarReader::ReadText(int64_t bytes, const char* what) const {
  if (bytes > kNameLimit)
    ThrowDamaged(std::string(what) + " of " + std::to_string(bytes) + " bytes");
  if (bytes > file_.bytes() - at_ - kBlock) ThrowTruncated(std::string("inside ") + what);
  return file_.ReadExactly(at_ + kBlock, bytes);
}

// Records are "<length> <key>=<value>\n", the length counting itself.
void TarReader::ApplyPax(const std::string& records) {
  size_t at = 0;
  while (at < records.size()) {
    size_t length = 0;
    const char* end = records.data() + records.size();
    const auto [next, error] = std::from_chars(records.data() + at, end, length);
    if (error != std::errc() || next == end || *next != ' ' || length > records.size() - at ||
        length < static_cast<size_t>(next - records.data()) - at + 2) {
      ThrowDamaged("a pax record has no sound length");
    }
    const std::string record(next + 1, records.data() + at + length - 1);
    const size_t equals = record.find('=');
    const std::string key = record.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : record.substr(equals + 1);
    if (key == "path") long_name_ = value;
    if (key == "size") {
      const auto parsed = std::from_chars(value.data(), value.data() + value.size(), long_bytes_);
      if (parsed.ec != std::errc() || long_bytes_ < 0) ThrowDamaged("a pax size is no number");
    }
    at += length;
  }
}

void TarReader::ThrowTruncated(const std::string& what) const {
  throw wire::Fault(wire::FaultClass::kUser, "BAD_SHARD",
                    file_.name() + ": truncated tar: the file ends at byte " +
                        std::to_string(file_.bytes()) + ", " + what + " (member at offset " +
                        std::to_string(at_) + ")",
                    "copy or pack this shard again");
}

void TarReader::ThrowDamaged(const std::string& what) const {
  throw wire::Fault(
      wire::FaultClass::kUser, "BAD_SHARD",
      file_.name() + ": damaged or no tar: " + what + " (at offset " + std::to_string(at_) + ")",
      "copy or pack this shard again; compressed tars must be unpacked");
}

}  // namespace ocellus::data
