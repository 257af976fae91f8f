#include "worker/trainer/user_error.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

#include "worker/trainer/exit_record.h"
#include "worker/wire/fault.h"

namespace ocellus::trainer {
namespace {

std::string OneLine(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

int CodeOf(const wire::ExitRecord& record) {
  const bool theirs = record.fault_class == wire::FaultClass::kUser ||
                      record.fault_class == wire::FaultClass::kStorage;
  return theirs ? 2 : 1;
}

}  // namespace

int WithErrorsTold(const std::function<int()>& body) {
  try {
    return body();
  } catch (...) {
    const wire::ExitRecord record = RecordOfCurrentException(0);
    const std::string hint = record.hint.empty() ? "" : "; " + record.hint;
    std::fprintf(stderr, "ocellus-trainer: %s\n", OneLine(record.message + hint).c_str());
    return CodeOf(record);
  }
}

int WithErrorsCounted(const std::function<int()>& body) {
  try {
    return body();
  } catch (...) {
    return CodeOf(RecordOfCurrentException(0));
  }
}

std::string ReadTextFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (file.is_open() && !file.bad()) return text;
  throw wire::Fault(wire::FaultClass::kUser, "NO_SUCH_FILE",
                    path + ": " + (errno != 0 ? std::strerror(errno) : "cannot be read"));
}

}  // namespace ocellus::trainer
