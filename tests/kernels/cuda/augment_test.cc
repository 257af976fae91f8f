// The CUDA source of augmentation, emulated, against its CPU twin.
#include "kernels/augment.h"

#include <gtest/gtest.h>

#include "tests/kernels/augment_cases.h"
#include "tests/support/cuda_emulation/access_checker.h"
#include "tests/support/cuda_emulation/emulation.h"

namespace ocellus::kernels {
namespace {

// Memory of a vector that kernels may use while this lives.
template <class T>
class Allowed {
 public:
  explicit Allowed(const std::vector<T>& values) : at_(values.data()) {
    if (at_) emulation::Checker().Allow(at_, values.size() * sizeof(T), alignof(T));
  }
  ~Allowed() {
    if (at_) emulation::Checker().Forbid(at_);
  }
  Allowed(const Allowed&) = delete;
  Allowed& operator=(const Allowed&) = delete;

 private:
  const T* at_;
};

TEST(CudaAugmentTest, AgreesWithItsTwin) {
  emulation::SetSeed(6);
  for (const AugmentCase& c : AugmentCases()) {
    for (const Element type : {Element::kFloat32, Element::kBFloat16}) {
      if (type == Element::kBFloat16 && c.size == 10) continue;
      SCOPED_TRACE(testing::Message() << "size " << c.size);
      Array cpu(c.Numbers(), type), cuda(c.Numbers(), type);
      cpu::Augment(c.Args(cpu, nullptr), Serially);
      std::vector<uint32_t> scratch(AugmentScratch(c.Args(cuda, nullptr)));
      const Allowed views(c.views);
      const Allowed pixels(c.pixels), words(scratch);
      const Allowed tables(c.tables);
      const Allowed weights(c.weights);
      cuda::Augment(c.Args(cuda, scratch.data()), nullptr);
      ExpectNear(cuda, cpu, type == Element::kBFloat16 ? 8e-3 : 1e-5, "view");
    }
  }
}

}  // namespace
}  // namespace ocellus::kernels
