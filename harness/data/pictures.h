/* pictures.h: images to be recognised: an IDX file of images, or one PGM picture. */
#ifndef HARNESS_PICTURES_H
#define HARNESS_PICTURES_H

#include "dataset.h"

/* Reads IDX images (plain or gzip) or a PGM picture (P2 or P5, up to 16 bits, scaled to 0 .. 255), judged by
 * content. No labels. *part is untouched on failure; free part->pixels. */
bool pictures_read(const char *path, images *part, error *e);

/* 255 - pixel: ink on paper becomes the light strokes on black that MNIST has. */
void pictures_invert(images *part);

/* Swaps rows and columns: EMNIST's files hold their images transposed. False without memory. */
bool pictures_transpose(images *part, error *e);

#endif
