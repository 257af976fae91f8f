#include "worker/agent/gpu_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "prometheus/text_serializer.h"
#include "tests/support/temp_folder.h"

namespace ocellus::agent {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kFake[] = OCELLUS_BINARY_DIR "/bin/libfake_nvml.so";

class GpuMetricsTest : public testing::Test {
 protected:
  GpuMetricsTest() {
    limits_.gpu_wait = Millis(5);
    limits_.gpu_read = Millis(10);
    Say("");
    setenv("OCELLUS_FAKE_NVML", script_.c_str(), 1);
  }
  ~GpuMetricsTest() override { unsetenv("OCELLUS_FAKE_NVML"); }

  // At once: a reader sees the old or the new lines.
  void Say(const std::string& lines) {
    std::ofstream(script_ + ".new") << lines;
    std::rename((script_ + ".new").c_str(), script_.c_str());
  }
  std::string Page() {
    return prometheus::TextSerializer().Serialize(metrics_.registry()->Collect());
  }
  // Waits for the thread to publish `line`; the page as last seen.
  std::string PageWith(const std::string& line) {
    const auto end = SteadyClock::now() + std::chrono::seconds(20);
    std::string page = Page();
    while (page.find(line) == std::string::npos && SteadyClock::now() < end) {
      std::this_thread::sleep_for(Millis(2));
      page = Page();
    }
    return page;
  }

  TempFolder folder_;
  const std::string script_ = folder_ / "nvml";
  coordinator::Metrics metrics_;
  Limits limits_;
};

TEST_F(GpuMetricsTest, MemoryEnergyClocksAndTemperature) {
  Say("memory 1 5000\nenergy 0 2500\nenergy 1 1000\n");
  const GpuMetrics gpus(&metrics_, limits_, kFake);
  const std::string page = Page();
  EXPECT_THAT(page, HasSubstr("ocellus_gpu_memory_used_bytes{gpu=\"1\",uuid=\"GPU-fake-1\"} 5000"));
  EXPECT_THAT(page,
              HasSubstr("ocellus_gpu_memory_total_bytes{gpu=\"0\",uuid=\"GPU-fake-0\"} 1507"));
  EXPECT_THAT(page,
              HasSubstr("ocellus_gpu_energy_joules_total{gpu=\"0\",uuid=\"GPU-fake-0\"} 2.5"));
  EXPECT_THAT(page, HasSubstr("ocellus_gpu_clock_hertz{clock=\"sm\",gpu=\"0\",uuid=\"GPU-fake-0\"} "
                              "1980000000"));
  EXPECT_THAT(page, HasSubstr("clock=\"memory\""));
  EXPECT_THAT(page, HasSubstr("ocellus_gpu_temperature_celsius{gpu=\"1\",uuid=\"GPU-fake-1\"} 45"));
}

TEST_F(GpuMetricsTest, EnergyOnlyRisesAlsoWhenTheDriverCountsAnew) {
  Say("energy 0 2500\n");
  const GpuMetrics gpus(&metrics_, limits_, kFake);
  const std::string energy = "ocellus_gpu_energy_joules_total{gpu=\"0\",uuid=\"GPU-fake-0\"} ";
  Say("energy 0 4000\n");
  EXPECT_THAT(PageWith(energy + "4\n"), HasSubstr(energy + "4\n"));
  Say("energy 0 1000\n");
  EXPECT_THAT(PageWith(energy + "5\n"), HasSubstr(energy + "5\n"));
}

TEST_F(GpuMetricsTest, ErrorsOfTheDriverAreCountedByNumber) {
  const GpuMetrics gpus(&metrics_, limits_, kFake);
  EXPECT_THAT(Page(), Not(HasSubstr("ocellus_gpu_xid_errors_total")));
  Say("xid 1 79\nxid 0 31\nxid 1 79\n");
  const std::string twice = "ocellus_gpu_xid_errors_total{gpu=\"1\",xid=\"79\"} 2";
  const std::string page = PageWith(twice);
  EXPECT_THAT(page, HasSubstr(twice));
  EXPECT_THAT(page, HasSubstr("ocellus_gpu_xid_errors_total{gpu=\"0\",xid=\"31\"} 1"));
}

TEST_F(GpuMetricsTest, WhatAGpuDoesNotTellHasNoSeries) {
  Say("silent\n");
  const GpuMetrics gpus(&metrics_, limits_, kFake);
  EXPECT_THAT(Page(), HasSubstr("ocellus_gpu_memory_used_bytes"));
  EXPECT_THAT(Page(), Not(HasSubstr("ocellus_gpu_energy_joules_total")));
  EXPECT_THAT(Page(), Not(HasSubstr("ocellus_gpu_clock_hertz")));
}

TEST_F(GpuMetricsTest, AMachineWithoutADriverIsQuiet) {
  testing::internal::CaptureStderr();
  { const GpuMetrics gpus(&metrics_, limits_, "libno-such-driver.so.1"); }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_THAT(Page(), Not(HasSubstr("ocellus_gpu")));
}

TEST_F(GpuMetricsTest, ADriverThatRefusesIsNamed) {
  Say("refuse 18\n");
  testing::internal::CaptureStderr();
  { const GpuMetrics gpus(&metrics_, limits_, kFake); }
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("Driver/library version mismatch"));
  EXPECT_EQ(Nvml::Open("libm.so.6").status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace ocellus::agent
