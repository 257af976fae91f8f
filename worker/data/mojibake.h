// Repair of text that was UTF-8 and was decoded as something else ("cafÃ©").
#pragma once

#include <string>

namespace ocellus::data {

// What ftfy.fix_encoding does, by the tables of mojibake_tables.h: while the text looks wrongly
// decoded, its characters become the bytes of the first encoding that has them all and whose bytes
// are UTF-8, or nearly; where none is, the parts that look so are repaired alone, and what is left
// of Latin-1's control characters is read as Windows-1252. Other text stays.
std::u32string FixEncoding(std::u32string text);

}  // namespace ocellus::data
