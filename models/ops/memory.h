// How a training process keeps memory between steps.
#pragma once

namespace ocellus::models::ops {

// Makes the C library keep freed memory for later allocations. By default it gives large arrays
// back to the system and gets them again, page by page and zeroed, in every step: a tenth of a step
// on the CPU (docs/PERFORMANCE.md). Programs that train call this once, first thing in main. The
// process then holds the most that it ever used at once.
void KeepFreedMemory();

}  // namespace ocellus::models::ops
