#include "tools/pack/tar_writer.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "worker/wire/fault.h"

namespace ocellus::pack {
namespace {

constexpr size_t kBlock = 512;
constexpr size_t kShortName = 100;

// "<length> path=<name>\n", where the length counts its own digits.
std::string PaxPath(const std::string& name) {
  const std::string rest = " path=" + name + "\n";
  size_t length = rest.size();
  while (length != rest.size() + std::to_string(length).size()) {
    length = rest.size() + std::to_string(length).size();
  }
  return std::to_string(length) + rest;
}

}  // namespace

TarWriter::TarWriter(std::string path)
    : path_(std::move(path)), out_(path_ + ".partial", std::ios::binary) {
  if (out_) return;
  throw wire::Fault(wire::FaultClass::kUser, "UNWRITABLE",
                    path_ + ": cannot write: " + std::strerror(errno),
                    "choose a folder that exists and is writable");
}

void TarWriter::Add(const std::string& name, std::string_view content) {
  if (name.size() > kShortName) PutMember('x', "PaxHeaders/long", PaxPath(name));
  PutMember('0', name.substr(0, kShortName), content);
}

void TarWriter::Close() {
  Put(std::string(2 * kBlock, '\0'));
  out_.close();
  if (!out_) ThrowUnwritten();
  std::error_code error;
  std::filesystem::rename(path_ + ".partial", path_, error);
  if (error) ThrowUnwritten();
}

void TarWriter::PutMember(char type, const std::string& name, std::string_view content) {
  char header[kBlock] = {};
  std::memcpy(header, name.data(), name.size());
  std::snprintf(header + 100, 8, "%07o", 0644u);
  std::snprintf(header + 108, 8, "%07o", 0u);
  std::snprintf(header + 116, 8, "%07o", 0u);
  std::snprintf(header + 124, 12, "%011llo", static_cast<unsigned long long>(content.size()));
  std::snprintf(header + 136, 12, "%011o", 0u);
  std::memset(header + 148, ' ', 8);
  header[156] = type;
  std::memcpy(header + 257,
              "ustar\0"
              "00",
              8);
  unsigned sum = 0;
  for (const char byte : header) sum += static_cast<uint8_t>(byte);
  std::snprintf(header + 148, 8, "%06o", sum);
  Put({header, kBlock});
  Put(content);
  Put(std::string((kBlock - content.size() % kBlock) % kBlock, '\0'));
}

void TarWriter::Put(std::string_view bytes) {
  out_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!out_) ThrowUnwritten();
  bytes_ += static_cast<int64_t>(bytes.size());
}

void TarWriter::ThrowUnwritten() const {
  throw wire::Fault(wire::FaultClass::kUser, "STORE_FULL",
                    path_ + ": cannot write: " + std::strerror(errno), "free some disk space");
}

}  // namespace ocellus::pack
