// The files of the page as they lie in web/, embedded at build time.
#pragma once

#include <string>
#include <vector>

namespace ocellus::coordinator {

struct EmbeddedFile {
  std::string name;  // "page.js"
  std::string text;
};

// Defined in the source that cmake/embed.cmake writes.
const std::vector<EmbeddedFile>& EmbeddedFiles();

// "/" is index.html; null when there is none of this path.
const EmbeddedFile* FindFile(const std::string& path);

// By the ending of its name: "text/css; charset=utf-8".
std::string TypeOf(const EmbeddedFile& file);

}  // namespace ocellus::coordinator
