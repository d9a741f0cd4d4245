/* digit_strokes.h: how the built-in digits are written: pen strokes on a square of 100 x 100, y downwards. */
#ifndef HARNESS_DIGIT_STROKES_H
#define HARNESS_DIGIT_STROKES_H

#include <stddef.h>
#include <stdint.h>

enum { DIGIT_CLASSES = 10, STROKE_MAX_POINTS = 16 };

/* The curve runs smoothly through its points, but turns sharply at a corner, and the pen lifts before a start. */
typedef enum stroke_mark { STROKE_SMOOTH, STROKE_CORNER, STROKE_START } stroke_mark;

typedef struct stroke_point {
    int8_t x, y;
    uint8_t mark; /* stroke_mark */
} stroke_point;

/* One way of writing a digit. `share` is how often it is taken, among the styles of its digit. */
typedef struct digit_style {
    uint8_t digit, share, count;
    stroke_point point[STROKE_MAX_POINTS];
} digit_style;

/* Ordered by digit. */
extern const digit_style digit_styles[];
extern const size_t digit_style_count;

#endif
