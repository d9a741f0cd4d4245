/* epoch_torch.h: the same epoch in PyTorch, where Debian's python3-torch is installed. */
#ifndef HARNESS_EPOCH_TORCH_H
#define HARNESS_EPOCH_TORCH_H

#include "epoch.h"

/* Alternates epochs of /usr/bin/python3 (epoch_torch.py) with epochs of `against`, a loop of ours, and fills time
 * but for the loss. False, with one clause in reason, where there is no PyTorch or it fails. */
bool epoch_torch(const epoch_loop *against, const images *train, size_t classes, uint64_t seed, double peak_gflops,
                 epoch_time *time, char *reason, size_t reason_size);

#endif
