/* The arithmetic of row maps, as the table of section 11 has it. */
#ifndef PROGRAM_ROWS_H
#define PROGRAM_ROWS_H

#include "program/program.h"

/* The most rows of a value, or of its tensors: one with a longer dimension for them is one row. */
#define MOST_ROWS INT32_MAX

/* "window", "transposed_scaled": what files and reports call it. Static storage. */
const char *row_map_name(row_map_kind kind);

/*
 * For a step of `step_rows` rows (R) and an operand of `tensor_rows` (H) that it reads. Both are
 * monotone, between 0 and H, and cannot overflow for any map of a checked program.
 *
 * row_map_need: how many of the operand's rows the step's first n rows need, 0 <= n <= R.
 * row_map_first: the first row of the operand that the step's rows from j on need, 0 <= j <= R; H
 * at j = R: none any more.
 */
int64_t row_map_need(const mbs_row_map *map, int64_t n, int64_t step_rows, int64_t tensor_rows);
int64_t row_map_first(const mbs_row_map *map, int64_t j, int64_t step_rows, int64_t tensor_rows);

#endif
