// Text forms of bytes as HTTP and S3 want them: hexadecimal, Base64, percent encoding, times.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ocellus::store {

// Lower case, two digits a byte.
std::string Hex(std::span<const uint8_t> bytes);

// RFC 4648, with padding.
std::string Base64(std::span<const uint8_t> bytes);
// Nothing when the text is not Base64 with padding.
std::optional<std::string> FromBase64(std::string_view text);

// RFC 3986: all but A-Z a-z 0-9 - . _ ~ becomes %XX; '/' stays when `keep_slash`.
std::string PercentEncode(std::string_view text, bool keep_slash = false);
// "%41" to "A"; a '%' without two digits stays. `plus_is_space`: as in HTML forms and S3's lists.
std::string PercentDecode(std::string_view text, bool plus_is_space = false);

// "20150830T123600Z", UTC.
std::string BasicTime(time_t at);
// "Sun, 30 Aug 2015 12:36:00 GMT" or "2015-08-30T12:36:00Z" (fractions of seconds are dropped) to
// seconds since 1970; nothing when it is neither.
std::optional<time_t> ParseTime(const std::string& text);

std::string Lower(std::string text);
// Without blanks, tabs and line ends around it.
std::string Trimmed(std::string_view text);

// `text` fit for one line of a message: control characters become blanks, the rest after
// `bytes_max` becomes "...".
std::string OneLine(std::string_view text, size_t bytes_max = 300);

}  // namespace ocellus::store
