// HTML's character references back to characters. Text is UTF-8.
#pragma once

#include <string>

namespace ocellus::data {

// As Python's html.unescape: "&eacute;", "&amp", "&#233;", "&#xe9;", with HTML5's corrections.
std::string UnescapeHtml(const std::string& text);

// As ftfy's: only references that end in a semicolon, and some in capitals ("&EACUTE;").
std::string UnescapeCertainHtml(const std::string& text);

}  // namespace ocellus::data
