#include "tests/worker/trainer/tiny_job.h"

#include <gtest/gtest.h>
#include <png.h>
#include <stdlib.h>

#include <random>
#include <vector>

#include "models/schema/schema.h"

namespace ocellus::trainer {
namespace {

void WritePng(const std::filesystem::path& path, uint32_t width, uint32_t height,
              std::mt19937& random) {
  std::vector<uint8_t> rgb(width * height * 3);
  for (auto& value : rgb) value = static_cast<uint8_t>(random());
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = width;
  image.height = height;
  image.format = PNG_FORMAT_RGB;
  ASSERT_TRUE(png_image_write_to_file(&image, path.c_str(), 0, rgb.data(), 0, nullptr));
}

}  // namespace

void WritePictures(const std::filesystem::path& folder, int count) {
  std::mt19937 random(5);
  for (int i = 0; i < count; ++i) {
    const auto of_class = folder / std::to_string(i % 2);
    std::filesystem::create_directories(of_class);
    WritePng(of_class / (std::to_string(i) + ".png"), 20 + i % 7, 18 + i % 5, random);
  }
}

nlohmann::json TinyTraining(const std::filesystem::path& pictures, int64_t steps) {
  const nlohmann::json training = {
      {"seed", 3},
      {"objective",
       {{"mae", {{"mask_ratio", 0.5}, {"decoder", {{"dim", 16}, {"depth", 1}, {"heads", 2}}}}}}},
      {"model",
       {{"vit", {{"image_size", 16}, {"patch_size", 4}, {"dim", 16}, {"depth", 2}, {"heads", 2}}}}},
      {"data", {{"train", pictures.string()}, {"threads", 2}}},
      {"batch", {{"global", 8}}},
      {"optimizer", {{"adamw", {{"lr", 0.001}, {"weight_decay", 0.05}}}}},
      {"schedule", {{"total_steps", steps}, {"warmup_steps", 2}}},
      {"precision", "fp32"},
      {"eval", {{"pictures", 2}, {"knn", {{"k", 3}}}}},
      {"report", {{"every_steps", 5}}}};
  nlohmann::json resolved;
  std::vector<schema::Problem> problems;
  schema::ResolveTraining(training, schema::Use::kJob, &resolved, &problems);
  for (const auto& problem : problems) ADD_FAILURE() << problem.ToString();
  return resolved;
}

wire::Document TinyDocument(const nlohmann::json& training, const std::filesystem::path& store) {
  wire::Document document;
  document.job = "j-tiny";
  document.name = "tiny";
  document.project = "default";
  document.generation = 1;
  document.master_addr = "127.0.0.1";
  document.device = "cpu";
  document.spec = training;
  document.store = "file://" + store.string();
  document.prefix = "default/j-tiny/";
  document.checkpoint = {.every_steps = 5, .keep = 3, .commit = wire::Commit::kSelf};
  return document;
}

}  // namespace ocellus::trainer
