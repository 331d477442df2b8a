/* A plan file in which everything is right, and loading it with changes. */
#ifndef TESTS_UNIT_PLAN_TEXT_H
#define TESTS_UNIT_PLAN_TEXT_H

#include <check.h>
#include <string.h>

#include "mbsopt/mbsopt.h"
#include "run.h"

/* A correct plan, laid out as it is written. */
static const char canonical[] =
    "{\n"
    "  \"format\": \"mbsopt-plan/1\",\n"
    "  \"network\": \"hand\",\n"
    "  \"batch\": 4,\n"
    "  \"phase\": \"inference\",\n"
    "  \"buffer_bytes\": 8192,\n"
    "  \"norm_passes\": 3,\n"
    "  \"reserved_bytes\": 4096,\n"
    "  \"planner\": \"by \\\"hand\\\"\",\n"
    "  \"outcome\": \"feasible\",\n"
    "  \"bound_bytes\": 100,\n"
    "  \"made_by\": {\"program\": \"by hand 1\", \"hardware\": \"a \\\"chip\\\"\", "
    "\"hardware_digest\": \"sha-256:0a\", \"options\": \"--none\"},\n"
    "  \"tensors\": [\n"
    "    {\"id\": 0, \"name\": \"x\", \"bytes\": 100},\n"
    "    {\"id\": 1, \"name\": \"conv\", \"bytes\": 200},\n"
    "    {\"id\": 2, \"name\": \"relu\", \"bytes\": 200},\n"
    "    {\"id\": 3, \"name\": \"norm\", \"bytes\": 200}\n"
    "  ],\n"
    "  \"steps\": [\n"
    "    {\"id\": 0, \"name\": \"conv\", \"phase\": \"forward\", \"kind\": \"conv\", \"reads\": "
    "[0], "
    "\"writes\": [1], \"weight_bytes\": 10, \"accumulator_bytes\": 0},\n"
    "    {\"id\": 1, \"name\": \"relu\", \"phase\": \"forward\", \"kind\": \"relu\", \"reads\": "
    "[1], "
    "\"writes\": [2], \"weight_bytes\": 0, \"accumulator_bytes\": 0},\n"
    "    {\"id\": 2, \"name\": \"norm\", \"phase\": \"forward\", \"kind\": \"norm\", \"reads\": "
    "[1, "
    "2], \"writes\": [3], \"weight_bytes\": 8, \"accumulator_bytes\": 0}\n"
    "  ],\n"
    "  \"groups\": [\n"
    "    {\"first\": 0, \"last\": 1, \"iterations\": 2, \"sub_batch\": 2, \"passes\": 1, "
    "\"peak_bytes\": 804},\n"
    "    {\"first\": 2, \"last\": 2, \"iterations\": 1, \"sub_batch\": 4, \"passes\": 3, "
    "\"peak_bytes\": 0}\n"
    "  ],\n"
    "  \"streamed\": [\n"
    "    0\n"
    "  ],\n"
    "  \"in_passes\": [\n"
    "    2\n"
    "  ],\n"
    "  \"pinned\": [\n"
    "    {\"step\": 0, \"weight_bytes\": 4, \"accumulator_bytes\": 0}\n"
    "  ],\n"
    "  \"resident\": [\n"
    "    {\"tensor\": 1, \"from\": 0, \"to\": 1}\n"
    "  ],\n"
    "  \"traffic_bytes\": {\"activation_read\": 5200, \"activation_write\": 2400, \"weight_read\": "
    "24, \"weight_gradient\": 0, \"total\": 7624},\n"
    "  \"dram_peak\": {\"bytes\": 2818, \"weights\": 18, \"accumulators\": 0, \"tensors\": 2800, "
    "\"group\": 1}\n"
    "}\n";

static mbs_error error;

static inline mbs_status load(mbs_plan **plan, const char *document)
{
    mbs_error_clear(&error);
    return mbs_plan_load_text(plan, document, strlen(document), "p.json", &error);
}

static inline mbs_plan *load_good(const char *document)
{
    mbs_plan *plan;
    mbs_status status = load(&plan, document);
    ck_assert_msg(status == MBS_OK, "%s", error.message[0]);
    return plan;
}

static inline mbs_plan *load_changed(const char *from, const char *to)
{
    char *document = replace_once(canonical, from, to);
    mbs_plan *plan = load_good(document);
    mbs_free(document);
    return plan;
}

#endif
