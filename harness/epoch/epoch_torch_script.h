/* epoch_torch_script.h: epoch_torch.py as text (see CMakeLists.txt). */
#ifndef HARNESS_EPOCH_TORCH_SCRIPT_H
#define HARNESS_EPOCH_TORCH_SCRIPT_H

extern const char epoch_torch_script[];

#endif
