/* input.h: what the fuzz targets share. A target's entry point is libFuzzer's: it returns 0 for whatever it is
 * given, and whatever else happens (a crash, a sanitizer's word, a claim that does not hold, a leak) is a finding.
 */
#ifndef TESTS_FUZZ_INPUT_H
#define TESTS_FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Optional: a mutation that keeps what the format's checks would throw away; LLVMFuzzerMutate is libFuzzer's own.
 */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);

/* The bytes as a file: its path. Valid until the next call. */
const char *input_file(const uint8_t *data, size_t size);

/* A claim of the target: ends the program with a word where it does not hold. */
void claim(bool holds, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Takes the next byte or number of the input, 0 where it has ended. */
typedef struct input {
    const uint8_t *data;
    size_t size;
} input;
size_t input_below(input *in, size_t limit); /* two bytes: in [0, limit), limit at most 65536 */
size_t input_size(input *in, size_t most);   /* from 1 to most, small ones more often */

#endif
