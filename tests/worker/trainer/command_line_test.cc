// The commands that a person types.
#include <gmock/gmock.h>
#include <stdio.h>
#include <sys/wait.h>

#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/worker/trainer/tiny_job.h"
#include "worker/checkpoint/retention.h"
#include "worker/checkpoint/safetensors.h"

namespace ocellus::trainer {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

constexpr char kCase[] = OCELLUS_SOURCE_DIR "/tests/parity/cases/mae/norm_pix";

struct Result {
  int code = -1;
  std::string text;  // stdout and stderr
};

Result Trainer(const std::string& arguments) {
  const std::string command =
      std::string(OCELLUS_BINARY_DIR "/bin/ocellus-trainer ") + arguments + " 2>&1";
  FILE* output = popen(command.c_str(), "r");
  Result result;
  char part[4096];
  for (size_t n; (n = fread(part, 1, sizeof(part), output)) > 0;) result.text.append(part, n);
  result.code = WEXITSTATUS(pclose(output));
  return result;
}

std::string Bytes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

class CommandLine : public testing::Test {
 protected:
  CommandLine() { WritePictures(dir() / "pictures", 40); }
  fs::path dir() const { return folder_.path(); }

  // A job's file with a relative data path.
  std::string Spec(const std::string& schedule = "{total_steps: 6}") {
    const fs::path path = dir() / "job.yaml";
    std::ofstream(path)
        << "name: by-hand\n"
           "checkpoint: {every_steps: 3}\n"
           "objective: {mae: {mask_ratio: 0.5, decoder: {dim: 16, depth: 1, heads: 2}}}\n"
           "model: {vit: {image_size: 16, patch_size: 4, dim: 16, depth: 2, heads: 2}}\n"
           "data: {train: pictures}\n"
           "batch: {global: 8}\n"
           "optimizer: {adamw: {lr: 1e-3}}\n"
           "precision: fp32\n"
           "report: {every_steps: 2}\n"
           "schedule: "
        << schedule << "\n";
    return path;
  }
  Result Run(const std::string& out, const std::string& more = "") {
    return Trainer("run --spec " + Spec() + " --out " + (dir() / out).string() + " " + more);
  }
  Result Replay(const std::string& spec, const std::string& weights, const std::string& batch,
                const std::string& more = "") {
    return Trainer("replay --spec " + spec + " --weights " + weights + " --batch " + batch +
                   " --out " + (dir() / "out.safetensors").string() + " " + more);
  }
  std::string InCase(const char* name) { return std::string(kCase) + "/" + name; }

  TempFolder folder_;
};

TEST_F(CommandLine, RunTrainsAndLeavesItsResults) {
  const Result result = Run("out");
  EXPECT_EQ(result.code, 0) << result.text;
  EXPECT_THAT(result.text, AllOf(HasSubstr("step 2/6"), HasSubstr("images/s"),
                                 HasSubstr("SUCCEEDED at step 6"), HasSubstr("artifacts")));
  for (const char* name : {"loss.svg", "history.jsonl", "knn.json", "evaluation.json",
                           "encoder.safetensors", "reconstruction-000000000.png",
                           "reconstruction-000000006.png", "reconstruction-start-end.png"}) {
    EXPECT_TRUE(fs::exists(dir() / "out/artifacts" / name)) << name;
  }
}

TEST_F(CommandLine, RunWithTwoRanksDoesTheSameWork) {
  EXPECT_EQ(Run("one").code, 0);
  const Result two = Run("two", "--ranks 2");
  EXPECT_EQ(two.code, 0) << two.text;
  EXPECT_THAT(two.text, HasSubstr("SUCCEEDED at step 6"));
  EXPECT_TRUE(fs::exists(dir() / "two/artifacts/knn.json"));
}

TEST_F(CommandLine, RunTellsWhereItsTimeGoes) {
  const Result result = Run("out", "--profile --profile-steps 3");
  EXPECT_EQ(result.code, 0) << result.text;
  EXPECT_THAT(result.text,
              AllOf(HasSubstr("profile: steps 3 to 5"), HasSubstr("data wait"),
                    HasSubstr("backward"), HasSubstr("checkpoint"), HasSubstr("GFLOP a sample"),
                    HasSubstr("in fp32"), testing::Not(HasSubstr("profile: 0 GFLOP"))));
  const auto trace = nlohmann::json::parse(Bytes(dir() / "out/profile.json"));
  std::map<int64_t, double> of_steps, of_phases;  // microseconds
  std::set<std::string> phases;
  for (const auto& event : trace.at("traceEvents")) {
    if (event.at("ph") != "X") continue;
    const bool step = event.at("cat") == "step";
    (step ? of_steps : of_phases)[event.at("args").at("step")] += event.at("dur").get<double>();
    if (!step) phases.insert(event.at("name").get<std::string>());
  }
  EXPECT_THAT(phases,
              testing::IsSupersetOf({"data wait", "copy", "forward", "backward", "reduction",
                                     "guard", "optimizer", "average", "report", "checkpoint"}));
  ASSERT_EQ(of_steps.size(), 3u);
  // Each moment of a step belongs to a phase.
  for (const auto& [step, time] : of_steps) EXPECT_NEAR(of_phases[step], time, 0.01);
}

TEST_F(CommandLine, RunProfilesEachRank) {
  const std::string file = (dir() / "trace.json").string();
  const Result result = Run("out", "--ranks 2 --profile=" + file);
  EXPECT_EQ(result.code, 0) << result.text;
  EXPECT_THAT(result.text, AllOf(HasSubstr("profile: steps 3 to 6"), HasSubstr("of rank 0")));
  for (const char* name : {"trace.json", "rank1-trace.json"}) {
    EXPECT_TRUE(nlohmann::json::parse(Bytes(dir() / name)).contains("traceEvents")) << name;
  }
  const Result refused = Run("refused", "--profile=/nowhere/trace.json");
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.text, HasSubstr("/nowhere/trace.json"));
}

TEST_F(CommandLine, RunDoesNotMixWithAnEarlierRun) {
  EXPECT_EQ(Run("out").code, 0);
  const Result again = Run("out");
  EXPECT_EQ(again.code, 2);
  EXPECT_THAT(again.text, HasSubstr("--resume"));
  const Result resumed = Run("out", "--resume");
  EXPECT_EQ(resumed.code, 0) << resumed.text;
  EXPECT_THAT(resumed.text, HasSubstr("resumed after step 6"));
}

TEST_F(CommandLine, ExportGivesTheEncoderThatTheRunLeft) {
  ASSERT_EQ(Run("out").code, 0);
  const Result result = Trainer("export --checkpoint " + (dir() / "out").string() + " --out " +
                                (dir() / "e.safetensors").string());
  EXPECT_EQ(result.code, 0) << result.text;
  EXPECT_TRUE(Bytes(dir() / "e.safetensors") == Bytes(dir() / "out/artifacts/encoder.safetensors"));
}

TEST_F(CommandLine, ExportAndImportGiveTheSameBytes) {
  ASSERT_EQ(Run("out").code, 0);
  const std::string full = dir() / "full.safetensors", again = dir() / "again.safetensors";
  const auto store = store::OpenStore("file://" + (dir() / "out").string());
  const std::string newest = checkpoint::ListCheckpoints(*store, "").front().prefix;
  EXPECT_EQ(Trainer("export --full --checkpoint file://" + (dir() / "out" / newest).string() +
                    " --out " + full)
                .code,
            0);
  const Result imported =
      Trainer("import --weights " + full + " --spec " + Spec() + " --out " + again);
  EXPECT_EQ(imported.code, 0) << imported.text;
  EXPECT_TRUE(Bytes(full) == Bytes(again));
}

TEST_F(CommandLine, ImportTakesAnEncoderAlone) {
  ASSERT_EQ(Run("out").code, 0);
  const std::string encoder = dir() / "out/artifacts/encoder.safetensors";
  const std::string full = dir() / "full.safetensors";
  const Result result =
      Trainer("import --weights " + encoder + " --spec " + Spec() + " --out " + full);
  EXPECT_EQ(result.code, 0) << result.text;
  const auto before = checkpoint::SafetensorsFile::Map(encoder);
  const auto after = checkpoint::SafetensorsFile::Map(full);
  EXPECT_GT(after.tensors().size(), before.tensors().size());
  for (const auto& tensor : before.tensors()) {
    const auto* same = after.Find(tensor.name);
    ASSERT_TRUE(same) << tensor.name;
    EXPECT_EQ(std::memcmp(same->data, tensor.data, tensor.bytes), 0) << tensor.name;
  }
}

TEST_F(CommandLine, ImportListsEveryMismatch) {
  const Result result = Trainer("import --weights " + InCase("weights.safetensors") + " --spec " +
                                Spec() + " --out " + (dir() / "x").string());
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.text, AllOf(HasSubstr("cls_token"), HasSubstr("pos_embed"),
                                 HasSubstr("decoder_pred.weight")));
}

TEST_F(CommandLine, ExportNamesAFolderWithoutACheckpoint) {
  const Result result = Trainer("export --checkpoint " + dir().string() + " --out x");
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.text, AllOf(HasSubstr(dir().string()), HasSubstr("manifest.json")));
}

TEST_F(CommandLine, ReplayWritesExactlyTheNamesOfTheContract) {
  const Result result = Replay(InCase("spec.json"), InCase("weights.safetensors"),
                               InCase("batch.safetensors"), "--steps 3");
  ASSERT_EQ(result.code, 0) << result.text;
  const auto got = checkpoint::SafetensorsFile::Map(dir() / "out.safetensors");
  const auto expected = checkpoint::SafetensorsFile::Map(InCase("expected.safetensors"));
  std::vector<std::string> got_names, expected_names;
  for (const auto& tensor : got.tensors()) got_names.push_back(tensor.name);
  for (const auto& tensor : expected.tensors()) expected_names.push_back(tensor.name);
  EXPECT_THAT(got_names, testing::UnorderedElementsAreArray(expected_names));
}

// The command finds what the run found at its end.
TEST_F(CommandLine, EvalRepeatsTheLastLookOfTheRun) {
  ASSERT_EQ(Run("out").code, 0);
  const std::string eval = "eval --checkpoint " + (dir() / "out").string();
  const Result result = Trainer(eval + " --json --out " + (dir() / "eval.json").string());
  ASSERT_EQ(result.code, 0) << result.text;
  EXPECT_EQ(result.text, Bytes(dir() / "eval.json"));
  const auto found = nlohmann::json::parse(result.text);
  const auto left = nlohmann::json::parse(Bytes(dir() / "out/artifacts/evaluation.json"));
  EXPECT_EQ(found["step"], 6);
  for (const char* key : {"trained", "random", "pixels"}) EXPECT_EQ(found[key], left[key]) << key;
  EXPECT_TRUE(found["trained"].contains("probe"));
  EXPECT_GT(found["trained"]["features"]["effective_rank"], 1);

  const Result table = Trainer(eval);
  EXPECT_EQ(table.code, 0) << table.text;
  EXPECT_THAT(table.text, AllOf(HasSubstr("step 6 of"), HasSubstr("random"), HasSubstr("pixels"),
                                HasSubstr("linear probe top-1"), HasSubstr("effective rank")));
}

TEST_F(CommandLine, EvalTakesOtherDataAndNamesWhatIsWrong) {
  ASSERT_EQ(Run("out").code, 0);
  const std::string eval = "eval --checkpoint " + (dir() / "out").string();
  WritePictures(dir() / "others", 24);
  const Result others = Trainer(eval + " --json --data " + (dir() / "others").string() + " --val " +
                                (dir() / "pictures").string() + " --val-samples 16");
  ASSERT_EQ(others.code, 0) << others.text;
  EXPECT_EQ(nlohmann::json::parse(others.text)["trained"]["features"]["samples"], 24);

  const auto refused = [&](const std::string& more, const std::string& name) {
    const Result result = Trainer(eval + " " + more);
    EXPECT_EQ(result.code, 2) << result.text;
    EXPECT_THAT(result.text, HasSubstr(name));
  };
  refused("--data /nowhere/at/all", "/nowhere/at/all");
  refused("--device tpu", "--device tpu");
  refused("--out /nowhere/eval.json", "/nowhere/eval.json");
  EXPECT_EQ(Trainer("eval --checkpoint " + (dir() / "pictures").string()).code, 2);
}

TEST_F(CommandLine, ReplayNamesWhatIsWrong) {
  const std::string spec = InCase("spec.json"), weights = InCase("weights.safetensors"),
                    batch = InCase("batch.safetensors");
  const auto refused = [](const Result& result, const std::string& name) {
    EXPECT_EQ(result.code, 2) << result.text;
    EXPECT_THAT(result.text, HasSubstr(name));
    EXPECT_EQ(std::count(result.text.begin(), result.text.end(), '\n'), 1) << result.text;
  };
  refused(Replay("absent.json", weights, batch), "absent.json");
  refused(Replay(spec, "absent.safetensors", batch), "absent.safetensors");
  refused(Replay(spec, weights, "absent.safetensors"), "absent.safetensors");
  refused(Replay(spec, weights, weights), "images is missing");
  refused(Replay(spec, batch, batch), "cls_token");
  refused(Replay(spec, weights, batch, "--ranks 3"), "--ranks 3");
  refused(Replay(spec, weights, batch, "--device tpu"), "--device tpu");
  const std::string broken = dir() / "broken.json";
  std::string text = Bytes(spec);
  text.replace(text.find("mask_ratio"), 10, "mask_ration");
  std::ofstream(broken) << text;
  refused(Replay(broken, weights, batch), "objective.mae.mask_ration");
}

TEST_F(CommandLine, RunListsTheMistakesOfASpec) {
  const Result result =
      Trainer("run --spec " + Spec("{total_stepz: 6}") + " --out " + (dir() / "out").string());
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.text,
              AllOf(HasSubstr("job.yaml:10"), HasSubstr("total_stepz"), HasSubstr("total_steps")));
}

TEST_F(CommandLine, RankExplainsItselfWithoutAnAgent) {
  const Result result = Trainer("rank 3<&-");
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.text, HasSubstr("ocellus-trainer run"));
}

}  // namespace
}  // namespace ocellus::trainer
