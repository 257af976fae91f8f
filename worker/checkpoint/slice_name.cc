#include "worker/checkpoint/slice_name.h"

#include <cstddef>
#include <cstdio>
#include <string_view>

namespace ocellus::checkpoint {
namespace {

constexpr std::string_view kEnding = ".safetensors";
constexpr size_t kDigits = 5;

std::optional<int> Number(std::string_view digits) {
  int number = 0;
  if (digits.size() != kDigits) return std::nullopt;
  for (const char digit : digits) {
    if (digit < '0' || digit > '9') return std::nullopt;
    number = number * 10 + (digit - '0');
  }
  return number;
}

}  // namespace

std::string SliceName(const std::string& file, int index, int count) {
  if (count == 1) return file;
  char middle[32];
  std::snprintf(middle, sizeof middle, "-%05d-of-%05d", index + 1, count);
  const size_t stem = file.size() - (file.ends_with(kEnding) ? kEnding.size() : 0);
  return file.substr(0, stem) + middle + file.substr(stem);
}

std::optional<SlicePlace> PlaceOfSlice(const std::string& name) {
  constexpr std::string_view kOf = "-of-";
  constexpr size_t kMiddle = 1 + kDigits + kOf.size() + kDigits;
  const std::string_view all = name;
  if (!all.ends_with(kEnding) || all.size() <= kMiddle + kEnding.size()) return std::nullopt;
  const size_t stem = all.size() - kEnding.size() - kMiddle;
  const std::string_view middle = all.substr(stem, kMiddle);
  const auto index = Number(middle.substr(1, kDigits));
  const auto count = Number(middle.substr(1 + kDigits + kOf.size()));
  const bool sound = middle[0] == '-' && middle.substr(1 + kDigits, kOf.size()) == kOf && index &&
                     count && *index >= 1 && *index <= *count && *count > 1;
  if (!sound) return std::nullopt;
  return SlicePlace{name.substr(0, stem) + std::string(kEnding), *index - 1, *count};
}

}  // namespace ocellus::checkpoint
