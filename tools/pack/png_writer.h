// Gray pixels to PNG bytes.
#pragma once

#include <cstdint>
#include <string>

namespace ocellus::pack {

// `gray` is [height][width]. The same input gives the same bytes. Throws wire::Fault (unknown,
// INTERNAL) when the encoder refuses.
std::string EncodeGrayPng(const uint8_t* gray, int width, int height);

}  // namespace ocellus::pack
