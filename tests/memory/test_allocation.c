/*
 * Every failing allocation is survived: each task below is run again and again with its first
 * allocation failing, then its second, and so on until none fails, and once more with all from that
 * one on failing. Each time it must return an error (or do without the memory), hand out nothing,
 * and leave no memory behind. Allocations of cJSON, GLPK and the C library count too.
 * Of a task's allocations after the 250th only some fail, unless --every is given.
 *
 * This program replaces malloc and its kin, as the C library allows; sanitizers do the same, so it
 * is not built with them.
 */
#include <errno.h>
#include <inttypes.h>
#include <mbsopt/mbsopt.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- The allocator --------------------------------------------------------------------------- */

/* The C library's own. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

static atomic_long allocations; /* since counting began */
static atomic_long live;        /* blocks handed out and not yet freed */
static atomic_long first_failing;
static atomic_bool only_one_fails;
static atomic_bool any_failed;

static bool is_denied(void)
{
    long number = ++allocations;
    long first = first_failing;
    bool denied = first > 0 && (only_one_fails ? number == first : number >= first);
    if (denied) {
        any_failed = true;
        errno = ENOMEM;
    }
    return denied;
}

static void *count(void *memory)
{
    if (memory != NULL)
        live++;
    return memory;
}

void *malloc(size_t size)
{
    return is_denied() ? NULL : count(__libc_malloc(size));
}

void *calloc(size_t number, size_t size)
{
    return is_denied() ? NULL : count(__libc_calloc(number, size));
}

void *realloc(void *memory, size_t size)
{
    if (is_denied())
        return NULL;
    void *moved = __libc_realloc(memory, size);
    if (memory == NULL)
        count(moved);
    return moved;
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    void *got = is_denied() ? NULL : count(__libc_memalign(alignment, size));
    if (got == NULL)
        return ENOMEM;
    *memory = got;
    return 0;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return is_denied() ? NULL : count(__libc_memalign(alignment, size));
}

void free(void *memory)
{
    if (memory != NULL)
        live--;
    __libc_free(memory);
}

/* ---- Tasks ----------------------------------------------------------------------------------- */

#define ROOM 65536

typedef struct text {
    char data[ROOM];
    size_t length;
} text;

static text network_text;
static text hardware_text;
static text plan_text;
static char solution_path[1024];

/* What a task makes, for the next; a task under test makes it anew and frees it. */
static mbs_network *network;
static mbs_program *program;
static mbs_program *tiny; /* what the solution is of */
static mbs_plan *loaded;
static mbs_hardware hardware;

static mbs_status load_network(mbs_error *error)
{
    mbs_network *made;
    mbs_status status =
        mbs_network_load_text(&made, network_text.data, network_text.length, "network.json", error);
    mbs_network_free(made);
    return status;
}

static mbs_status put_together(mbs_error *error)
{
    const int64_t shape[] = {3, 8, 8};
    const char *inputs[] = {"x"};
    const mbs_layer_spec layer = {.name = "c",
                                  .op = "conv",
                                  .inputs = inputs,
                                  .input_count = 1,
                                  .out_channels = 4,
                                  .kernel = {3, 3},
                                  .bias = 1};
    mbs_network_builder *builder;
    mbs_network *made = NULL;
    mbs_status status = mbs_network_builder_create(&builder, "mine", error);
    if (status == MBS_OK)
        status = mbs_network_builder_input(builder, "x", shape, 3, error);
    if (status == MBS_OK)
        status = mbs_network_builder_layer(builder, &layer, error);
    if (status == MBS_OK)
        status = mbs_network_builder_finish(&made, builder, "memory", error);
    mbs_network_free(made);
    mbs_network_builder_free(builder);
    return status;
}

static mbs_status load_hardware(mbs_error *error)
{
    mbs_hardware made;
    return mbs_hardware_load_text(&made, hardware_text.data, hardware_text.length, "hardware.json",
                                  error);
}

static mbs_status build_program(mbs_error *error)
{
    mbs_program *made;
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_status status = mbs_program_create(&made, network, &options, error);
    if (status != MBS_OK && made != NULL)
        abort();
    mbs_program_free(made);
    return status;
}

static mbs_status plan_as(mbs_planner planner, mbs_objective objective, mbs_error *error)
{
    mbs_plan *made;
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    options.planner = planner;
    options.batch = 3;
    options.buffer_bytes = 8192;
    options.objective = objective;
    mbs_status status = mbs_plan_create(&made, program, &hardware, &options, error);
    if (status != MBS_OK && made != NULL)
        abort();
    mbs_plan_free(made);
    return status;
}

static mbs_status plan_baseline(mbs_error *error)
{
    return plan_as(MBS_PLANNER_BASELINE, MBS_TRAFFIC, error);
}

static mbs_status plan_il(mbs_error *error)
{
    return plan_as(MBS_PLANNER_IL, MBS_TRAFFIC, error);
}

static mbs_status plan_mbs_fs(mbs_error *error)
{
    return plan_as(MBS_PLANNER_MBS_FS, MBS_TRAFFIC, error);
}

static mbs_status plan_mbs2(mbs_error *error)
{
    return plan_as(MBS_PLANNER_MBS2, MBS_TRAFFIC, error);
}

static mbs_status plan_dp(mbs_error *error)
{
    return plan_as(MBS_PLANNER_DP, MBS_TRAFFIC, error);
}

static mbs_status plan_dp_time(mbs_error *error)
{
    return plan_as(MBS_PLANNER_DP, MBS_TIME, error);
}

static mbs_status plan_ilp(mbs_error *error)
{
    return plan_as(MBS_PLANNER_ILP, MBS_TRAFFIC, error);
}

static mbs_status plan_best(mbs_error *error)
{
    return plan_as(MBS_PLANNER_BEST, MBS_TRAFFIC, error);
}

static mbs_status import_solution(mbs_error *error)
{
    mbs_plan *made;
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    options.planner = MBS_PLANNER_ILP;
    options.batch = 2;
    options.buffer_bytes = 16384;
    mbs_status status =
        mbs_plan_import_solution(&made, tiny, &hardware, &options, solution_path, error);
    if (status != MBS_OK && made != NULL)
        abort();
    mbs_plan_free(made);
    return status;
}

static mbs_status export_model(mbs_error *error)
{
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    options.batch = 2;
    options.buffer_bytes = 8192;
    return mbs_plan_export_model(program, &hardware, &options, "test_allocation.lp", error);
}

static mbs_status load_plan(mbs_error *error)
{
    mbs_plan *made;
    mbs_status status =
        mbs_plan_load_text(&made, plan_text.data, plan_text.length, "plan.json", error);
    if (status != MBS_OK && made != NULL)
        abort();
    mbs_plan_free(made);
    return status;
}

static mbs_status verify(mbs_error *error)
{
    return mbs_plan_verify(loaded, NULL, error);
}

static mbs_status write_json(mbs_error *error)
{
    char *made = NULL;
    mbs_status status = mbs_plan_to_json(&made, loaded, error);
    mbs_free(made);
    return status;
}

static mbs_status write_table(mbs_error *error)
{
    char *made = NULL;
    mbs_report_options options = {0};
    mbs_status status = mbs_report_plan_table(&made, loaded, &options, error);
    mbs_free(made);
    return status;
}

static mbs_status write_csv(mbs_error *error)
{
    char *made = NULL;
    mbs_status status = mbs_report_plan_csv(&made, loaded, error);
    mbs_free(made);
    return status;
}

static mbs_status write_network_table(mbs_error *error)
{
    char *made = NULL;
    mbs_status status = mbs_report_network_table(&made, network, program, &hardware, 4, 0, error);
    mbs_free(made);
    return status;
}

static mbs_status write_file(mbs_error *error)
{
    return mbs_write_file("test_allocation.out", plan_text.data, plan_text.length, error);
}

typedef struct task {
    const char *name;
    mbs_status (*run)(mbs_error *error);
} task;

static const task tasks[] = {
    {"load a network", load_network},
    {"put a network together", put_together},
    {"load a machine", load_hardware},
    {"build a program", build_program},
    {"plan with baseline", plan_baseline},
    {"plan with il", plan_il},
    {"plan with mbs-fs", plan_mbs_fs},
    {"plan with mbs2", plan_mbs2},
    {"plan with dp", plan_dp},
    {"plan with dp for time", plan_dp_time},
    {"plan with ilp", plan_ilp},
    {"plan with best", plan_best},
    {"export the integer program", export_model},
    {"import a solution", import_solution},
    {"load a plan", load_plan},
    {"verify a plan", verify},
    {"write a plan", write_json},
    {"write a table", write_table},
    {"write CSV", write_csv},
    {"write a network's table", write_network_table},
    {"write a file", write_file},
};
#define TASKS (sizeof tasks / sizeof tasks[0])

/* ---- Running them ---------------------------------------------------------------------------- */

static int failures;

static void complain(const task *of, long number, const char *what)
{
    failures++;
    if (failures < 20)
        printf("FAILED: %s, allocation %ld%s: %s\n", of->name, number,
               only_one_fails ? "" : " and all after it", what);
}

/* Runs the task with allocations failing from `number` on (none if 0); false once none did. */
static bool run_once(const task *of, long number)
{
    static mbs_error error;
    mbs_error_clear(&error);
    long before = live;
    any_failed = false;
    allocations = 0;
    first_failing = number;
    mbs_status status = of->run(&error);
    first_failing = 0;
    if (live != before) {
        char what[64];
        snprintf(what, sizeof what, "%ld blocks are left", live - before);
        complain(of, number, what);
    }
    if (!any_failed && status != MBS_OK)
        complain(of, number, error.message[0]);
    if (any_failed && status != MBS_OK && status != MBS_ERR_MEMORY && status != MBS_ERR_SOLVER &&
        status != MBS_ERR_IO)
        complain(of, number, mbs_status_text(status));
    if (status != MBS_OK && (error.count == 0 || error.status != status))
        complain(of, number, "the error does not say what the status says");
    return any_failed;
}

static void run_task(const task *of, bool every)
{
    first_failing = 0;
    static mbs_error error;
    mbs_error_clear(&error);
    of->run(&error); /* what is made once and kept, such as a thread's stack, is made now */
    for (int mode = 0; mode < 2; mode++) {
        only_one_fails = mode == 0;
        long number = 1;
        /* where there are many, most of them are alike */
        while (run_once(of, number))
            number += every || number < 250 ? 1 : 1 + number / 25;
        if (mode == 0)
            printf("%s: %ld allocations\n", of->name, (long)allocations);
    }
}

static void read_text(text *of, const char *root, const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        printf("FAILED: cannot read %s\n", path);
        exit(1);
    }
    of->length = fread(of->data, 1, ROOM, file);
    fclose(file);
}

/* A network of the fuzz targets' seeds and its program. */
static bool make_program(mbs_network **made, mbs_program **of, const char *root, const char *name)
{
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    read_text(&network_text, root, name);
    return mbs_network_load_text(made, network_text.data, network_text.length, name, NULL) ==
               MBS_OK &&
           mbs_program_create(of, *made, &options, NULL) == MBS_OK;
}

static bool prepare(const char *root)
{
    mbs_network *tiny_network = NULL;
    snprintf(solution_path, sizeof solution_path, "%s/tests/fuzz/corpus/solution/cbc.sol", root);
    read_text(&hardware_text, root, "models/hardware/wavecore.json");
    read_text(&plan_text, root, "tests/fuzz/corpus/plan/residual-dp.json");
    mbs_hardware_wavecore(&hardware);
    bool good = make_program(&tiny_network, &tiny, root, "tests/fuzz/corpus/network/tiny.json") &&
                make_program(&network, &program, root, "tests/fuzz/corpus/network/residual.json");
    mbs_network_free(tiny_network);
    return good && mbs_plan_load_text(&loaded, plan_text.data, plan_text.length, "plan.json",
                                      NULL) == MBS_OK;
}

int main(int argc, char **argv)
{
    bool every = argc > 1 && strcmp(argv[1], "--every") == 0;
    const char *root = getenv("MBS_SOURCE_DIR");
    if (root == NULL || !prepare(root)) {
        printf("FAILED: the inputs cannot be prepared\n");
        return 1;
    }
    for (size_t i = 0; i < TASKS; i++)
        run_task(&tasks[i], every);
    mbs_plan_free(loaded);
    mbs_program_free(tiny);
    mbs_program_free(program);
    mbs_network_free(network);
    unlink("test_allocation.lp");
    unlink("test_allocation.out");
    return failures > 0;
}
