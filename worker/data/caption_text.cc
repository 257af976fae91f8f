#include "worker/data/caption_text.h"

#include <unicode/locid.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <map>

#include "worker/data/html_text.h"
#include "worker/data/mojibake.h"
#include "worker/data/utf8.h"

namespace ocellus::data {
namespace {

// ftfy's table of Latin letters that are two in one.
const std::map<char32_t, std::u32string>& Ligatures() {
  static const auto* table = new std::map<char32_t, std::u32string>{
      {0x0132, U"IJ"},      {0x0133, U"ij"}, {0x0149, U"\u02BCn"}, {0x01F1, U"DZ"},
      {0x01F2, U"Dz"},      {0x01F3, U"dz"}, {0x01C4, U"D\u017D"}, {0x01C5, U"D\u017E"},
      {0x01C6, U"d\u017E"}, {0x01C7, U"LJ"}, {0x01C8, U"Lj"},      {0x01C9, U"lj"},
      {0x01CA, U"NJ"},      {0x01CB, U"Nj"}, {0x01CC, U"nj"},      {0xFB00, U"ff"},
      {0xFB01, U"fi"},      {0xFB02, U"fl"}, {0xFB03, U"ffi"},     {0xFB04, U"ffl"},
      {0xFB05, U"\u017Ft"}, {0xFB06, U"st"}};
  return *table;
}

// What the bytes 0x80 to 0x9F are in Windows-1252; those that it lacks stay.
constexpr char32_t kWindows1252[32] = {
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};

bool IsControl(char32_t c) {
  return c < 0x09 || c == 0x0B || (c >= 0x0E && c < 0x20) || c == 0x7F ||
         (c >= 0x206A && c < 0x2070) || c == 0xFEFF || (c >= 0xFFF9 && c < 0xFFFD);
}

std::u32string Normalised(const icu::Normalizer2* form, const std::u32string& text) {
  UErrorCode error = U_ZERO_ERROR;
  const icu::UnicodeString whole = icu::UnicodeString::fromUTF32(
      reinterpret_cast<const UChar32*>(text.data()), static_cast<int32_t>(text.size()));
  std::string bytes;
  return FromUtf8(form->normalize(whole, error).toUTF8String(bytes));
}

std::u32string Nfc(const std::u32string& text) {
  UErrorCode error = U_ZERO_ERROR;
  return Normalised(icu::Normalizer2::getNFCInstance(error), text);
}

// Full-width letters and half-width kana and hangul in their usual width.
std::u32string UsualWidth(char32_t c) {
  if (c == 0x3000) return U" ";
  if (c < 0xFF01 || c >= 0xFFF0) return {c};
  UErrorCode error = U_ZERO_ERROR;
  return Normalised(icu::Normalizer2::getNFKCInstance(error), {c});
}

std::u32string FixCharacters(const std::u32string& text) {
  std::u32string out;
  for (char32_t c : text) {
    if (c >= 0x80 && c < 0xA0) c = kWindows1252[c - 0x80];
    const auto ligature = Ligatures().find(c);
    for (char32_t part : ligature != Ligatures().end() ? ligature->second : std::u32string{c}) {
      for (char32_t usual : UsualWidth(part)) {
        if (usual >= 0x201C && usual <= 0x201F) usual = '"';
        if (usual == 0x02BC || (usual >= 0x2018 && usual <= 0x201B)) usual = '\'';
        if (usual == 0x2028 || usual == 0x2029 || usual == 0x85) usual = '\n';
        out += usual;
      }
    }
  }
  return out;
}

bool IsLetter(char32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// The length of a terminal's escape sequence at `at` (ESC [ digits letter), or 0.
size_t EscapeLength(const std::u32string& text, size_t at) {
  if (text[at] != 0x1B || at + 1 >= text.size() || text[at + 1] != '[') return 0;
  size_t end = at + 2;
  while (end < text.size() && ((text[end] >= '0' && text[end] <= '9') || text[end] == ';')) ++end;
  return end < text.size() && IsLetter(text[end]) ? end + 1 - at : 0;
}

// "\r\n" and "\r" to "\n"; no escape sequences, no control characters.
std::u32string FixLines(const std::u32string& text) {
  std::u32string lines, out;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\r') {
      lines += text[at];
    } else if (at + 1 == text.size() || text[at + 1] != '\n') {
      lines += '\n';
    }
  }
  for (size_t at = 0; at < lines.size();) {
    if (const size_t escape = EscapeLength(lines, at)) {
      at += escape;
    } else {
      if (!IsControl(lines[at])) out += lines[at];
      ++at;
    }
  }
  return out;
}

// One line, until nothing changes. `html`: whether character references are read.
std::string FixLine(std::string line, bool html) {
  for (std::string before; before != line;) {
    before = line;
    if (html) line = UnescapeCertainHtml(line);
    line = Utf8(Nfc(FixLines(FixCharacters(FixEncoding(FromUtf8(line))))));
  }
  return line;
}

// Character references are read up to the first line that has a '<': that is HTML itself.
std::string Fix(const std::string& text) {
  std::string out;
  bool html = true;
  for (size_t begin = 0; begin < text.size();) {
    const size_t line_feed = text.find('\n', begin);
    const size_t end = line_feed == std::string::npos ? text.size() : line_feed + 1;
    const std::string line = text.substr(begin, end - begin);
    html = html && line.find('<') == std::string::npos;
    out += FixLine(line, html);
    begin = end;
  }
  return out;
}

bool IsSpace(char32_t c) {
  return u_isUWhiteSpace(static_cast<UChar32>(c)) || (c >= 0x1C && c <= 0x1F);
}

std::u32string SingleSpaces(const std::u32string& text) {
  std::u32string out;
  bool space = false;
  for (const char32_t c : text) {
    if (IsSpace(c)) {
      space = true;
      continue;
    }
    if (space && !out.empty()) out += ' ';
    space = false;
    out += c;
  }
  return out;
}

}  // namespace

std::string CleanCaption(const std::string& text) {
  const std::string valid = Utf8(FromUtf8(text));
  const std::string plain = UnescapeHtml(UnescapeHtml(Fix(valid)));
  std::string lower;
  icu::UnicodeString::fromUTF8(Utf8(SingleSpaces(FromUtf8(plain))))
      .toLower(icu::Locale::getRoot())
      .toUTF8String(lower);
  return lower;
}

}  // namespace ocellus::data
