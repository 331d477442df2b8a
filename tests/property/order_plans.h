/* Plans whose steps may be in another order than the network's. */
#ifndef TESTS_ORDER_PLANS_H
#define TESTS_ORDER_PLANS_H

#include <check.h>
#include <string.h>

#include "mbsopt/emit.h"
#include "run.h"

static mbs_error error;

/* Loads the plan's file, replays it, and writes it again. */
static inline void check_file(const mbs_plan *plan, const char *label)
{
    mbs_plan *loaded;
    char *text;
    char *again;
    must_succeed(mbs_plan_to_json(&text, plan, &error), &error, label);
    must_succeed(mbs_plan_load_text(&loaded, text, strlen(text), "p.json", &error), &error, label);
    must_succeed(mbs_plan_verify(loaded, NULL, &error), &error, label);
    must_succeed(mbs_plan_to_json(&again, loaded, &error), &error, label);
    ck_assert_msg(strcmp(text, again) == 0, "%s: loaded and written it differs", label);
    mbs_plan_free(loaded);
    mbs_free(text);
    mbs_free(again);
}

#endif
