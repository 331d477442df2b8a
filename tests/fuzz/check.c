/* What all targets look at. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

void fuzz_require(int condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "broken promise: %s\n", what);
    abort();
}

/* One line of printable UTF-8, not empty. */
static int is_printable_line(const char *message)
{
    const unsigned char *at = (const unsigned char *)message;
    if (*at == '\0')
        return 0;
    while (*at != '\0') {
        int more = *at < 0x80 ? 0 : *at >= 0xF0 ? 3 : *at >= 0xE0 ? 2 : *at >= 0xC2 ? 1 : -1;
        if (more < 0 || *at < 0x20 || *at == 0x7F || (*at == 0xC2 && at[1] < 0xA0))
            return 0;
        for (at++; more > 0; more--, at++)
            if ((*at & 0xC0) != 0x80)
                return 0;
    }
    return 1;
}

void fuzz_check_error(mbs_status status, const mbs_error *error)
{
    if (status == MBS_OK) {
        fuzz_require(error->count == 0, "a call that worked reports no fault");
        return;
    }
    size_t kept = error->count < MBS_ERROR_MESSAGES ? error->count : MBS_ERROR_MESSAGES;
    fuzz_require(status != MBS_ERR_ARGUMENT, "bad input is no misuse of the library");
    fuzz_require(error->count > 0, "a call that failed says why");
    fuzz_require(error->status == status, "the first fault's status is the call's");
    for (size_t i = 0; i < kept; i++) {
        fuzz_require(memchr(error->message[i], '\0', MBS_ERROR_MESSAGE_BYTES) != NULL,
                     "a message ends within its room");
        fuzz_require(is_printable_line(error->message[i]), "a message is a printable line");
    }
}

static void use_program(const mbs_program *program)
{
    mbs_step_info step;
    mbs_tensor_info tensor;
    for (size_t k = 0; mbs_program_step(program, k, &step) == MBS_OK; k++) {
        for (size_t i = 0; i < step.read_count; i++)
            fuzz_require(mbs_program_step_read(program, k, i) >= 0, "a step has what it reads");
        for (size_t i = 0; i < step.write_count; i++)
            fuzz_require(mbs_program_step_write(program, k, i) >= 0, "a step has what it writes");
    }
    for (size_t i = 0; mbs_program_tensor(program, i, &tensor) == MBS_OK; i++)
        fuzz_require(tensor.bytes >= 0, "a tensor has a size");
}

void fuzz_use_plan(const mbs_plan *plan)
{
    mbs_group_info group;
    mbs_traffic traffic;
    mbs_mode mode;
    char *text = NULL;
    use_program(mbs_plan_program(plan));
    mbs_plan_traffic(plan, &traffic);
    for (size_t g = 0; mbs_plan_group(plan, g, &group) == MBS_OK; g++)
        mbs_plan_group_traffic(plan, g, &traffic);
    for (size_t k = 0; mbs_plan_step_mode(plan, k, &mode) == MBS_OK; k++)
        ;
    mbs_report_options options = {0};
    if (mbs_report_plan_table(&text, plan, &options, NULL) == MBS_OK)
        mbs_free(text);
    if (mbs_report_plan_csv(&text, plan, NULL) == MBS_OK)
        mbs_free(text);
}
