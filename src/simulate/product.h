/* A product on the systolic array (model, section 7), counted here for itself: not cost's. */
#ifndef SIMULATE_PRODUCT_H
#define SIMULATE_PRODUCT_H

#include "mbsopt/hardware.h"
#include "program/program.h"

/* Cycles for `samples` samples; `double_buffered`: the next weights are loaded meanwhile. */
double product_cycles(const mbs_gemm *gemm, int64_t samples, const mbs_hardware *hardware,
                      bool double_buffered);

#endif
