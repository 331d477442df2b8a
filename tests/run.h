/* What check programs share: the checkout, seed and rounds from the environment, a suite's run. */
#ifndef TESTS_RUN_H
#define TESTS_RUN_H

#include <check.h>
#include <stdint.h>

#include "mbsopt/plan.h"

/* A path below the checkout (MBS_SOURCE_DIR, or else this folder), valid until the next call. */
__attribute__((format(printf, 1, 2))) const char *source_path(const char *format, ...);

/* `document` with `from`, which must be there once, replaced by `to`. The caller's (mbs_free). */
char *replace_once(const char *document, const char *from, const char *to);

/* Puts " for each ' of a document that is written so. */
void double_quotes(char *document);

/* What the plan moves. */
int64_t plan_total(const mbs_plan *plan);

/* Fails with the first message and `what` the call was about, unless the status is MBS_OK. */
void must_succeed(mbs_status status, const mbs_error *error, const char *what);

/* Fails with `what` was found unless that is the expected value but for rounding. */
void assert_near(double found, double expected, const char *what);

/* As a progress function: ends what asks it; counts that in *asked, an int, unless it is null. */
int end_at_once(const mbs_progress *progress, void *asked);

/* How many of so many cases are to be run: MBS_PERCENT of them where it is set. */
int run_part(int count);

/* Takes MBS_SEED and MBS_ROUNDS where they are set, else part of the rounds; prints both so that a
 * run can be repeated. */
void run_settings(uint64_t *seed, int *rounds);

/* Runs the suite; the program's exit status. */
int run_suite(Suite *suite);

#endif
