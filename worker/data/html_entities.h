// HTML's named characters; the tables are written at build time by html_entities.py.
#pragma once

#include <string_view>
#include <vector>

namespace ocellus::data {

struct NamedCharacter {
  std::string_view name;
  std::string_view text;  // UTF-8
};

// All in byte order of the name.
extern const std::vector<NamedCharacter> kHtmlNames;     // "amp", "amp;", "eacute;" ...
extern const std::vector<NamedCharacter> kHtmlCapitals;  // "EACUTE;": not HTML, but seen
extern const std::vector<NamedCharacter> kHtmlNumbers;   // decimal numbers that stand for others

}  // namespace ocellus::data
