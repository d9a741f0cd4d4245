/* epilogue_loops.c: compiled once for each instruction set, whose name is EPILOGUE_ISA. */
#include <stddef.h>

#define NAME_OF(loop, isa) epilogue_##loop##_##isa
#define NAME(loop, isa) NAME_OF(loop, isa)

void NAME(shared, EPILOGUE_ISA)(float *y, size_t count, float b, float gamma, float low);
void NAME(each, EPILOGUE_ISA)(float *y, const float *sum, size_t count, const float *b, const float *gamma,
                              float low);

/* Written so that a NaN passes. */
static inline float finish(float sum, float gamma, float low) { return gamma * (sum < low ? low : sum); }

void NAME(shared, EPILOGUE_ISA)(float *restrict y, size_t count, float b, float gamma, float low) {
    for (size_t i = 0; i < count; i++) y[i] = finish(y[i] + b, gamma, low);
}

void NAME(each, EPILOGUE_ISA)(float *y, const float *sum, size_t count, const float *restrict b,
                              const float *restrict gamma, float low) {
    for (size_t i = 0; i < count; i++) y[i] = finish(sum[i] + b[i], gamma[i], low);
}
