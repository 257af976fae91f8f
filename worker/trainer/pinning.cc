#include "worker/trainer/pinning.h"

#include <sched.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace ocellus::trainer {

std::vector<int> ShareOfCpus(const std::vector<int>& cpus, int index, int ranks, int threads) {
  const int count = static_cast<int>(cpus.size());
  const int each = count / ranks, left_over = count % ranks;
  if (each < std::max(threads, 1)) return {};
  const int begin = index * each + std::min(index, left_over);
  const int size = each + (index < left_over ? 1 : 0);
  return {cpus.begin() + begin, cpus.begin() + begin + size};
}

bool PinToShare(int index, int ranks, int threads) {
  const char* wish = std::getenv("OCELLUS_PIN");
  if (ranks < 2 || (wish && std::string_view(wish) == "off")) return false;
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return false;
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed)) cpus.push_back(cpu);
  }
  const std::vector<int> own = ShareOfCpus(cpus, index, ranks, threads);
  if (own.empty()) return false;
  cpu_set_t share;
  CPU_ZERO(&share);
  for (const int cpu : own) CPU_SET(cpu, &share);
  return sched_setaffinity(0, sizeof share, &share) == 0;
}

}  // namespace ocellus::trainer
