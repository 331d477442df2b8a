/* Numbers as people read them; the same in every locale. */
#ifndef REPORT_FIGURES_H
#define REPORT_FIGURES_H

#include <stdint.h>

#include "mbsopt/plan.h"

/* Room for one figure; returned by value and used within one expression. */
typedef struct figure {
    char text[48];
} figure;

/* value / unit with `decimals` (at most 3) digits after the point, rounded; value >= 0. */
figure figure_ratio(int64_t value, int64_t unit, int decimals);

/* DRAM traffic in powers of 1000: "3.29 GB", "651.31 MB", "812 B". */
figure figure_traffic(int64_t bytes);

/* Space in powers of 1024 with three digits: "9.87 MiB", "98.7 KiB", "512 B". */
figure figure_space(int64_t bytes);

/* Space, exactly: "10 MiB", or "9.87 MiB (10349445 bytes)". */
figure figure_exact_space(int64_t bytes);

/* part / whole in percent with one decimal, without the sign: "77.6"; "0.0" of nothing. */
figure figure_percent(int64_t part, int64_t whole);

figure figure_integer(int64_t value);

/* What reports show of the plan's group `index`, which must be below their count. */
typedef struct group_figures {
    mbs_group_info group;
    mbs_step_info first; /* step */
    mbs_step_info last;
    mbs_traffic traffic;
} group_figures;
group_figures figures_of_group(const mbs_plan *plan, size_t index);

#endif
