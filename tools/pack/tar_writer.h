// Writes tar files whose bytes depend on names and contents alone: no times, no owners.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>

namespace ocellus::pack {

// The file has its name only after Close; before, it is "<path>.partial". Not thread-safe. All
// functions throw wire::Fault (user, STORE_FULL or UNWRITABLE) with the path.
class TarWriter {
 public:
  explicit TarWriter(std::string path);

  // ustar, with a pax header before it when the name has over 100 bytes.
  void Add(const std::string& name, std::string_view content);
  void Close();

  int64_t bytes() const { return bytes_; }  // written so far

 private:
  void Put(std::string_view bytes);
  [[noreturn]] void ThrowUnwritten() const;
  void PutMember(char type, const std::string& name, std::string_view content);

  std::string path_;
  std::ofstream out_;
  int64_t bytes_ = 0;
};

}  // namespace ocellus::pack
