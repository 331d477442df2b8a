/* Plans as a page to look at: what `mbsopt report` finds out and how it is written. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <mbsopt/mbsopt.h>
#include <stdio.h>

#include "compare/compare.h"
#include "setup.h"
#include "sweep/sweep.h"
#include "tradeoff/tradeoff.h"

/* One network's plan. */
typedef struct report_network {
    mbs_plan *plan;
    mbs_buffer_range *ranges; /* where its data lie */
    size_t range_count;
    char *placing;      /* what had to be changed for that, a line each; may be empty */
    char *explanation;  /* why the plan is as it is: mbs_explain_json */
    tradeoff_run front; /* of traffic against time; its setup is the report's, with the network */
} report_network;

typedef struct report {
    setup setup; /* the machine; each network in turn */
    mbs_plan_options options;
    mbs_recompute_options recompute;
    size_t points;            /* of each front, at most */
    sweep sweep;              /* over buffers and batches; owns the networks */
    char *rows;               /* of the sweep, lines of JSON */
    comparison comparison;    /* of the planners */
    report_network *networks; /* as many as the sweep's */
} report;

/* ---- make.c ---- */

/*
 * Plans all there is to be seen, with the networks loaded. Says what is wrong; returns the exit
 * status. A signal ends it: *interrupted is then true, and there is nothing to be shown.
 */
int report_make(report *of, bool *interrupted);
void report_free(report *of);

/* ---- write.c ---- */

/* The page as text, owned by the caller (free). Says what is wrong; returns the exit status. */
int report_page(char **page, const report *of);

/* ---- data.c ---- */

/* All that the page shows, as one JSON document. */
mbs_status report_put_data(FILE *out, const report *of, mbs_error *error);

/* ---- lean.c ---- */

/* A member of objects, whose value is left out, but for the first `kept` of a list's. */
typedef struct lean_member {
    const char *name;
    size_t kept;
} lean_member;

/* A document of JSON without blanks between its words and without `members`, which end with a null
 * name, wherever they are. */
mbs_status lean_put(FILE *out, const char *json, const lean_member *members);

/* ---- page.c, made of the folder page by scripts/embed_page.py ---- */

/* What is before the plans' tables as text, between these and the data, and behind the data. */
extern const char *const report_page_parts[3];

#endif
