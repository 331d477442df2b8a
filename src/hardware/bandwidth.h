/* What a core gets of the memory (model, section 7). */
#ifndef HARDWARE_BANDWIDTH_H
#define HARDWARE_BANDWIDTH_H

#include "mbsopt/hardware.h"

/* The share of the peak that is sustained; a structure without one sustains all. */
static inline double hardware_dram_efficiency(const mbs_hardware *hardware)
{
    return hardware->dram_efficiency > 0 ? hardware->dram_efficiency : 1;
}

/* Bytes per second that a core moves if the cores share the chip's evenly. */
static inline double hardware_core_bytes_per_s(const mbs_hardware *hardware)
{
    return hardware_dram_efficiency(hardware) *
           ((double)hardware->bandwidth_bytes_per_s / (double)hardware->cores);
}

#endif
