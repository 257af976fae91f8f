// Where every thread of this process stands: what a rank that hangs leaves in its log.
#pragma once

namespace ocellus::trainer {

// Makes DumpStacks possible. Call it before other threads start.
void PrepareStacks();

// Writes name and stack of every thread of the process to `fd`, the first thread's last. A thread
// that does not answer within a fifth of a second (it is inside the kernel) is named with what it
// waits for there. Interrupted system calls go on. For one thread at a time.
void DumpStacks(int fd);

}  // namespace ocellus::trainer
