// Images, shards and folders for the data tests.
#pragma once

#include <gtest/gtest.h>
#include <png.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/temp_folder.h"
#include "tools/pack/jpeg_writer.h"
#include "tools/pack/tar_writer.h"
#include "worker/wire/fault.h"

namespace ocellus::data {

inline void WriteFile(const std::string& path, const std::string& bytes) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::string ReadFile(const std::string& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

inline std::string Fixture(const std::string& name) {
  return ReadFile(OCELLUS_SOURCE_DIR "/tests/worker/data/fixtures/" + name);
}

// Blocks, a gradient and pseudo-noise, different for every `seed`.
inline std::string TestJpeg(int seed, int width = 48, int height = 36,
                            const pack::JpegStyle& style = {}) {
  std::vector<uint8_t> rgb;
  uint32_t noise = static_cast<uint32_t>(seed) * 2654435761u + 1;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      noise = noise * 1664525u + 1013904223u;
      const int block = ((x + seed) / 7 + y / 5) % 3 * 60;
      for (int c = 0; c < 3; ++c) {
        rgb.push_back(static_cast<uint8_t>(block + (x * (c + 1) + y * 2) % 90 + (noise >> 28)));
      }
    }
  }
  return pack::EncodeJpeg(rgb.data(), width, height, style);
}

// A gray PNG, bright where `shown` says so.
inline std::string MaskPng(int width, int height, const std::function<bool(int x, int y)>& shown) {
  std::vector<uint8_t> gray;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) gray.push_back(shown(x, y) ? 255 : 100);
  }
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = width;
  image.height = height;
  image.format = PNG_FORMAT_GRAY;
  png_alloc_size_t bytes = 0;
  png_image_write_to_memory(&image, nullptr, &bytes, 0, gray.data(), 0, nullptr);
  std::string out(bytes, '\0');
  png_image_write_to_memory(&image, out.data(), &bytes, 0, gray.data(), 0, nullptr);
  out.resize(bytes);
  return out;
}

using Members = std::vector<std::pair<std::string, std::string>>;

inline void WriteTar(const std::string& path, const Members& members) {
  pack::TarWriter tar(path);
  for (const auto& [name, content] : members) tar.Add(name, content);
  tar.Close();
}

// Runs `body`, which must throw a Fault of this outcome, and gives its message.
template <typename Body>
std::string MessageOf(const std::string& outcome, Body body) {
  try {
    body();
  } catch (const wire::Fault& fault) {
    EXPECT_EQ(fault.outcome(), outcome) << fault.what();
    EXPECT_FALSE(fault.hint().empty()) << fault.what();
    EXPECT_EQ(std::string(fault.what()).find('\n'), std::string::npos) << fault.what();
    return fault.what();
  }
  ADD_FAILURE() << "no fault, wanted " << outcome;
  return "";
}

}  // namespace ocellus::data
