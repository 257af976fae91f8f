// Reading: what is sound, and every way in which a file is not.
#include "worker/checkpoint/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/worker/checkpoint/checkpoint_cases.h"
#include "worker/wire/fault.h"

namespace ocellus::checkpoint {
namespace {

std::string WithLength(uint64_t length, const std::string& rest) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + rest;
}

std::string File(const std::string& header, const std::string& data) {
  return WithLength(header.size(), header + data);
}

SafetensorsFile Parse(const std::string& bytes) {
  std::shared_ptr<std::byte[]> copy(new std::byte[bytes.size()]);
  std::memcpy(copy.get(), bytes.data(), bytes.size());
  return SafetensorsFile::Parse(copy, bytes.size(), "some/key");
}

void ExpectRefused(const std::string& bytes, const std::string& cause) {
  try {
    Parse(bytes);
    ADD_FAILURE() << "accepted: " << cause;
  } catch (const wire::Fault& fault) {
    EXPECT_EQ(fault.outcome(), "CORRUPT_FILE");
    EXPECT_EQ(fault.fault_class(), wire::FaultClass::kStorage);
    const std::string message = fault.what();
    EXPECT_NE(message.find("some/key"), std::string::npos) << message;
    EXPECT_NE(message.find(cause), std::string::npos) << message;
  }
}

TEST(Safetensors, ReadsAForeignFile) {
  // An odd header length and BF16 before F32, as other writers may have it.
  const SafetensorsFile file = Parse(
      File(R"({"b":{"dtype":"BF16","shape":[3],"data_offsets":[0,6]},)"
           R"("__metadata__":{"format":"pt"},"a":{"shape":[],"dtype":"F32","data_offsets":[6,10]},)"
           R"("empty":{"dtype":"F32","shape":[0,4],"data_offsets":[10,10]}})",
           "0123456789"));
  ASSERT_EQ(file.tensors().size(), 3u);
  EXPECT_EQ(file.tensors()[0].name, "b");
  EXPECT_EQ(file.Find("a")->bytes, 4u);
  EXPECT_TRUE(file.Find("a")->shape.empty());
  EXPECT_EQ(std::memcmp(file.Find("a")->data, "6789", 4), 0);
  EXPECT_EQ(file.Find("c"), nullptr);
  EXPECT_EQ(file.metadata().at("format"), "pt");
}

TEST(Safetensors, AnEmptyFileOfNoTensorsIsSound) {
  EXPECT_TRUE(Parse(File("{}", "")).tensors().empty());
}

TEST(Safetensors, RefusesBadLengths) {
  ExpectRefused("", "only 0 bytes");
  ExpectRefused("1234567", "only 7 bytes");
  ExpectRefused(WithLength(100, "{}"), "cut off inside its header");
  ExpectRefused(WithLength(uint64_t{1} << 40, "{}"), "claims a header of 1099511627776 bytes");
  ExpectRefused(WithLength(UINT64_MAX, "{}"), "claims a header");
}

TEST(Safetensors, RefusesBadHeaders) {
  ExpectRefused(File("{", ""), "no JSON object");
  ExpectRefused(File("[]", ""), "no JSON object");
  ExpectRefused(File(R"({"a":1})", ""), "'a' lacks");
  ExpectRefused(File(R"({"a":{"dtype":"F32","shape":[1]}})", "0123"), "'a' lacks");
  ExpectRefused(File(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", "0123"),
                "bad size");
  ExpectRefused(File(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}})", "0123"),
                "bad data offset");
  ExpectRefused(File(R"({"a":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}})", "0123"),
                "unknown type");
  ExpectRefused(File(R"({"__metadata__":{"a":1}})", ""), "__metadata__");
  ExpectRefused(File(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                     R"("a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
                     "01"),
                "names 'a' twice");
}

TEST(Safetensors, RefusesSizesThatOverflow) {
  ExpectRefused(
      File(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", ""),
      "unknown type or size");
}

TEST(Safetensors, RefusesBytesThatDoNotFit) {
  const auto entry = [](const std::string& name, int begin, int end) {
    return "\"" + name + R"(":{"dtype":"U8","shape":[4],"data_offsets":[)" + std::to_string(begin) +
           "," + std::to_string(end) + "]}";
  };
  ExpectRefused(File("{" + entry("a", 0, 4) + "}", "012"), "cut off or damaged");
  ExpectRefused(File("{" + entry("a", 0, 4) + "}", "01234"), "1 bytes after the last tensor");
  ExpectRefused(File("{" + entry("a", 0, 3) + "}", "012"), "its shape needs 4");
  ExpectRefused(File("{" + entry("a", 0, 4) + "," + entry("b", 2, 6) + "}", "012345"),
                "'b' overlaps");
  ExpectRefused(File("{" + entry("a", 0, 4) + "," + entry("b", 5, 9) + "}", "012345678"),
                "gap before 'b'");
}

TEST(Safetensors, EveryCutOfAFileIsRefused) {
  const std::vector<float> values{1, 2, 3};
  const std::string header = EncodeHeader({FloatView("a", values)}, {});
  const std::string whole = header + std::string(reinterpret_cast<const char*>(values.data()), 12);
  ASSERT_EQ(Parse(whole).tensors().size(), 1u);
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THROW(Parse(whole.substr(0, size)), wire::Fault) << size;
  }
}

TEST(Safetensors, NamesAFileThatIsNotThere) {
  const TempFolder folder;
  try {
    SafetensorsFile::Map(folder / "none.safetensors");
    FAIL();
  } catch (const wire::Fault& fault) {
    EXPECT_EQ(fault.fault_class(), wire::FaultClass::kUser);
    EXPECT_EQ(fault.outcome(), "NO_SUCH_FILE");
    EXPECT_NE(std::string(fault.what()).find("none.safetensors: No such file"), std::string::npos);
  }
  EXPECT_THROW(SafetensorsFile::Map(folder / ""), wire::Fault);
  WriteFile(folder / "zero.safetensors", "");
  EXPECT_THROW(SafetensorsFile::Map(folder / "zero.safetensors"), wire::Fault);
}

}  // namespace
}  // namespace ocellus::checkpoint
