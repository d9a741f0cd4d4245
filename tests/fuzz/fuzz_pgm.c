/* fuzz_pgm.c: a picture. */
#include <stdlib.h>

#include "../../harness/data/pictures.h"
#include "input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    images part = {.count = 0};
    error e;
    if (!pictures_read(input_file(data, size), &part, &e)) return 0;
    claim(part.count > 0 && part.rows > 0 && part.columns > 0, "an empty picture");
    const size_t rows = part.rows, columns = part.columns;
    const uint8_t last = part.pixels[part.count * rows * columns - 1];
    pictures_invert(&part);
    for (int turn = 0; turn < 2; turn++) claim(pictures_transpose(&part, &e), "%s", e.text);
    claim(part.rows == rows && part.columns == columns &&
              part.pixels[part.count * rows * columns - 1] == 255 - last,
          "twice transposed it is another picture");
    free(part.pixels);
    return 0;
}
