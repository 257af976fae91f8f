// A caption as CLIP's tokenizer wants it: repaired, in lower case, with single spaces.
#pragma once

#include <string>

namespace ocellus::data {

// What open_clip does before it looks for tokens: ftfy.fix_text, html.unescape twice, strip, runs
// of white space to one space, lower case. UTF-8 in and out; malformed bytes become U+FFFD.
//
// Of ftfy: character references, text that was decoded in a wrong encoding ("cafÃ©"), Windows-1252
// control characters, Latin ligatures, full and half width, curly quotes, line breaks, terminal
// escapes, control characters, NFC.
std::string CleanCaption(const std::string& text);

}  // namespace ocellus::data
