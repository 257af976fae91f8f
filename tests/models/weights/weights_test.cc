#include "models/weights/weights.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/models/objectives/mae_cases.h"
#include "worker/wire/fault.h"

namespace ocellus::models::weights {
namespace {

using objectives::Initialised;
using objectives::SmallDocument;

class Weights : public ::testing::Test {
 protected:
  Weights()
      : folder_(std::filesystem::temp_directory_path() /
                ("ocellus-weights-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(folder_);
  }
  ~Weights() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const { return (folder_ / name).string(); }
  static std::string Bytes(const std::string& path) {
    std::ostringstream bytes;
    bytes << std::ifstream(path, std::ios::binary).rdbuf();
    return bytes.str();
  }

  std::filesystem::path folder_;
};

TEST_F(Weights, ExportedAndImportedIsIdentical) {
  const auto source = Initialised(SmallDocument(), 1), target = Initialised(SmallDocument(), 2);
  ExportFull(*source, Path("full.safetensors"));
  LoadFile(*target, Path("full.safetensors"));
  const Tensors expected = State(*source), got = State(*target);
  ASSERT_EQ(expected.size(), got.size());
  for (const auto& [name, tensor] : expected)
    EXPECT_TRUE(torch::equal(tensor, got.at(name))) << name;
  ExportFull(*target, Path("again.safetensors"));
  EXPECT_EQ(Bytes(Path("full.safetensors")), Bytes(Path("again.safetensors")));
}

TEST_F(Weights, ListsEveryFaultAndChangesNothing) {
  const auto objective = Initialised(SmallDocument());
  Tensors tensors;
  for (const auto& [name, tensor] : State(*objective)) tensors[name] = tensor.clone() + 1;
  tensors.erase("norm.bias");
  tensors.erase("mask_token");
  tensors["head.weight"] = torch::zeros({2});
  tensors["pos_embed"] = torch::zeros({1, 5, 64});
  tensors["cls_token"] = torch::zeros({1, 1, 64}, torch::kBFloat16);
  const torch::Tensor before = State(*objective).at("norm.weight").clone();
  try {
    LoadState(*objective, tensors, "w.safetensors");
    FAIL();
  } catch (const wire::Fault& fault) {
    const std::string message = fault.what();
    EXPECT_EQ(fault.outcome(), "WEIGHTS_MISMATCH");
    EXPECT_EQ(fault.fault_class(), wire::FaultClass::kUser);
    for (const char* part :
         {"w.safetensors", "missing: norm.bias", "missing: mask_token", "unexpected: head.weight",
          "pos_embed has shape [1, 5, 64], expected [1, 17, 64]",
          "cls_token is BFloat16, expected Float"}) {
      EXPECT_NE(message.find(part), std::string::npos) << message;
    }
    EXPECT_EQ(message.find('\n'), std::string::npos);
  }
  EXPECT_TRUE(torch::equal(State(*objective).at("norm.weight"), before));
}

TEST_F(Weights, EncoderFileHasItsMetadata) {
  const auto objective = Initialised(SmallDocument());
  ExportEncoder(*objective, Path("encoder.safetensors"));
  const auto file = checkpoint::SafetensorsFile::Map(Path("encoder.safetensors"));
  EXPECT_EQ(file.metadata().at("objective"), "mae");
  EXPECT_NE(file.Find("blocks.1.attn.qkv.weight"), nullptr);
  EXPECT_EQ(file.Find("mask_token"), nullptr);
}

TEST_F(Weights, TellsHowToConvertAPyTorchFile) {
  std::ofstream(Path("mae.pth")) << "PK\x03\x04 and so on";
  const auto objective = Initialised(SmallDocument());
  try {
    LoadFile(*objective, Path("mae.pth"));
    FAIL();
  } catch (const wire::Fault& fault) {
    EXPECT_NE(std::string(fault.what()).find("PyTorch"), std::string::npos);
    EXPECT_NE(fault.hint().find("save_file"), std::string::npos);
  }
}

TEST_F(Weights, ALengthThatLooksLikeAPickleIsRead) {
  // Header lengths are multiples of 8: one name in 32 lengths has 0x80 in its first byte.
  int seen = 0;
  for (int length = 1; length < 300; ++length) {
    WriteTensors({{std::string(length, 'n'), torch::zeros({1})}}, {}, Path("t.safetensors"));
    seen += Bytes(Path("t.safetensors"))[0] == '\x80';
    EXPECT_EQ(ReadFile(Path("t.safetensors")).size(), 1u);
  }
  EXPECT_GT(seen, 0);
}

TEST_F(Weights, AFileCanBeWrittenOverWhileItIsRead) {
  // Tensors of a mapped file stay what they were: the new file is another one under the same name.
  WriteTensors({{"a", torch::full({4}, 1.f)}}, {}, Path("t.safetensors"));
  const Tensors read = FromFile(checkpoint::SafetensorsFile::Map(Path("t.safetensors")));
  WriteTensors({{"a", torch::full({4}, 2.f)}}, {}, Path("t.safetensors"));
  EXPECT_EQ(read.at("a")[3].item<float>(), 1.f);
}

TEST_F(Weights, SnapshotIsTheFile) {
  const auto objective = Initialised(SmallDocument());
  checkpoint::Snapshot snapshot;
  snapshot.Take({{"model.safetensors", Source(State(*objective), {{"format", "pt"}})}});
  ExportFull(*objective, Path("full.safetensors"));
  const auto& file = snapshot.files().at("model.safetensors");
  const std::string bytes =
      file.header + std::string(reinterpret_cast<const char*>(file.data.data()), file.data.size());
  EXPECT_EQ(bytes, Bytes(Path("full.safetensors")));
}

TEST_F(Weights, KeepsIntegersAndScalars) {
  WriteTensors(
      {{"step", torch::tensor(int64_t{1} << 40)}, {"x", torch::rand({3}, torch::kFloat64)}}, {},
      Path("t.safetensors"));
  const Tensors read = FromFile(checkpoint::SafetensorsFile::Map(Path("t.safetensors")));
  EXPECT_EQ(read.at("step").dim(), 0);
  EXPECT_EQ(read.at("step").item<int64_t>(), int64_t{1} << 40);
  EXPECT_EQ(read.at("x").scalar_type(), torch::kFloat64);
}

}  // namespace
}  // namespace ocellus::models::weights
