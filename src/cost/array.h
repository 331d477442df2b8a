/* Cycles of the systolic array (model, section 7). */
#ifndef COST_ARRAY_H
#define COST_ARRAY_H

#include "mbsopt/hardware.h"
#include "program/program.h"

/*
 * Cycles of a step's matrix product for `samples` samples. K and N are cut into tiles of the
 * array's rows and columns, M into tiles of accumulator_rows; a wave streams m rows through a k-row
 * weight tile in max(m, k) cycles if the next weights are loaded meanwhile (double_buffered), else
 * in m + k; each product takes rows + columns more. With SCALE-Sim's cycle model each of the
 * groups' products takes ceil(K/rows) · ceil(N/columns) · (2·rows + columns + M - 2) - 1 instead. A
 * double, for hostile sizes exceed 64 bits.
 */
double array_cycles(const mbs_gemm *gemm, int64_t samples, const mbs_hardware *hardware,
                    bool double_buffered);

/* Multiply-accumulates of the product. */
double array_macs(const mbs_gemm *gemm, int64_t samples);

#endif
