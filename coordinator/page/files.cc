#include "coordinator/page/files.h"

#include <algorithm>
#include <map>

namespace ocellus::coordinator {

const EmbeddedFile* FindFile(const std::string& path) {
  const std::string name =
      path == "/" ? "index.html" : path.substr(std::min<size_t>(1, path.size()));
  for (const EmbeddedFile& file : EmbeddedFiles()) {
    if (file.name == name) return &file;
  }
  return nullptr;
}

std::string TypeOf(const EmbeddedFile& file) {
  static const auto* types =
      new std::map<std::string, std::string>{{"html", "text/html; charset=utf-8"},
                                             {"css", "text/css; charset=utf-8"},
                                             {"js", "text/javascript; charset=utf-8"},
                                             {"svg", "image/svg+xml"}};
  return types->at(file.name.substr(file.name.rfind('.') + 1));
}

}  // namespace ocellus::coordinator
