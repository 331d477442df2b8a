/*
 * An allocator of the caller's: it gets back every byte that it gave, with the size it gave it for;
 * a failing one is survived; blocks go back to where they came from, whoever frees them; a thread
 * that has set none is not affected.
 */
#include <mbsopt/mbsopt.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void expect(int condition, const char *what)
{
    if (condition)
        return;
    printf("FAILED: %s\n", what);
    failures++;
}

/* ---- Allocators ------------------------------------------------------------------------------ */

typedef struct counting {
    atomic_long blocks; /* given and not yet back */
    atomic_long bytes;
    atomic_long calls;
    atomic_long first_failing; /* none if 0 */
    atomic_int wrong;      /* blocks that came back with another size, or of another allocator */
    atomic_bool elsewhere; /* asked in another thread than `owner` */
    pthread_t owner;
} counting;

typedef struct mark {
    alignas(max_align_t) counting *from;
    size_t bytes;
} mark;

static void *count_allocate(void *context, size_t bytes)
{
    counting *mine = context;
    const long number = ++mine->calls;
    if (!pthread_equal(mine->owner, pthread_self()))
        mine->elsewhere = true;
    mark *block = mine->first_failing > 0 && number >= mine->first_failing
                      ? NULL
                      : malloc(sizeof *block + bytes);
    if (block == NULL)
        return NULL;
    *block = (mark){.from = mine, .bytes = bytes};
    mine->blocks++;
    mine->bytes += (long)bytes;
    memset(block + 1, 0xA5, bytes); /* nobody may count on zeros */
    return block + 1;
}

static void count_release(void *context, void *memory, size_t bytes)
{
    counting *mine = context;
    mark *block = (mark *)memory - 1;
    if (block->from != mine || block->bytes != bytes)
        mine->wrong++;
    mine->blocks--;
    mine->bytes -= (long)bytes;
    free(block);
}

#define COUNTING(name)                                                                             \
    counting name##_count = {.owner = pthread_self()};                                             \
    const mbs_allocator name = {count_allocate, count_release, &name##_count}

static void expect_all_back(const counting *mine)
{
    expect(mine->calls > 0, "the allocator is asked");
    expect(mine->blocks == 0 && mine->bytes == 0, "every byte comes back");
    expect(mine->wrong == 0, "with the size it had, to where it came from");
}

/* ---- What is done with them ------------------------------------------------------------------ */

typedef struct things {
    mbs_network *network;
    mbs_program *program;
    mbs_plan *plan;
    mbs_plan *again;
    char *text;
    char *table;
} things;

static const char *path_of(const char *name)
{
    static _Thread_local char path[1024];
    const char *root = getenv("MBS_SOURCE_DIR");
    snprintf(path, sizeof path, "%s/%s", root != NULL ? root : ".", name);
    return path;
}

static mbs_status make(things *made, mbs_planner planner, mbs_error *error)
{
    mbs_hardware hardware;
    mbs_program_options program_options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    mbs_report_options report = {0};
    *made = (things){0};
    mbs_hardware_wavecore(&hardware);
    options.planner = planner;
    options.batch = 3;
    options.buffer_bytes = 8192;
    mbs_status status = mbs_network_load_file(
        &made->network, path_of("tests/fuzz/corpus/network/residual.json"), error);
    if (status == MBS_OK)
        status = mbs_program_create(&made->program, made->network, &program_options, error);
    if (status == MBS_OK)
        status = mbs_plan_create(&made->plan, made->program, &hardware, &options, error);
    if (status == MBS_OK)
        status = mbs_plan_to_json(&made->text, made->plan, error);
    if (status == MBS_OK)
        status = mbs_report_plan_table(&made->table, made->plan, &report, error);
    if (status == MBS_OK)
        status =
            mbs_plan_load_text(&made->again, made->text, strlen(made->text), "again.json", error);
    if (status == MBS_OK)
        status = mbs_plan_verify(made->again, NULL, error);
    return status;
}

static void unmake(things *made)
{
    mbs_free(made->table);
    mbs_free(made->text);
    mbs_plan_free(made->again);
    mbs_plan_free(made->plan);
    mbs_program_free(made->program);
    mbs_network_free(made->network);
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static void every_byte_comes_back(void)
{
    const mbs_planner planners[] = {MBS_PLANNER_BASELINE, MBS_PLANNER_IL,  MBS_PLANNER_MBS2,
                                    MBS_PLANNER_DP,       MBS_PLANNER_ILP, MBS_PLANNER_BEST};
    for (size_t i = 0; i < sizeof planners / sizeof planners[0]; i++) {
        COUNTING(mine);
        things plain;
        things made;
        mbs_error error;
        mbs_error_clear(&error);
        expect(make(&plain, planners[i], &error) == MBS_OK, "without an allocator it works");
        expect(mbs_use_allocator(&mine) == NULL, "a thread begins with the C library's");
        expect(make(&made, planners[i], &error) == MBS_OK, "with an allocator it works");
        expect(mbs_use_allocator(NULL) == &mine, "what was used before is returned");
        expect(mine_count.blocks > 0, "objects are of the allocator");
        expect(mine_count.elsewhere ==
                   (planners[i] == MBS_PLANNER_ILP || planners[i] == MBS_PLANNER_BEST),
               "ilp's thread uses it too, and no other planner has one");
        expect(plain.text != NULL && made.text != NULL && strcmp(plain.text, made.text) == 0,
               "the plan does not depend on the allocator");
        unmake(&plain);
        unmake(&made); /* while another allocator is in use */
        expect_all_back(&mine_count);
    }
}

static void a_failing_one_is_survived(void)
{
    for (long first = 1;; first += 1 + first / 20) {
        COUNTING(mine);
        things made;
        mbs_error error;
        mbs_error_clear(&error);
        mine_count.first_failing = first;
        mbs_use_allocator(&mine);
        const mbs_status status = make(&made, MBS_PLANNER_DP, &error);
        unmake(&made);
        mbs_use_allocator(NULL);
        expect_all_back(&mine_count);
        if (mine_count.calls < first) {
            expect(status == MBS_OK, "what never failed works");
            return;
        }
        expect(status == MBS_ERR_MEMORY && error.status == MBS_ERR_MEMORY, "memory is out");
    }
}

static void blocks_stay_with_their_allocator(void)
{
    COUNTING(first);
    COUNTING(second);
    const int64_t shape[] = {3, 8, 8};
    const char *inputs[] = {"x"};
    char name[16];
    mbs_network_builder *builder;
    mbs_network *network = NULL;
    mbs_error error;
    mbs_error_clear(&error);
    mbs_use_allocator(&first);
    expect(mbs_network_builder_create(&builder, "mine", &error) == MBS_OK, "a builder");
    expect(mbs_network_builder_input(builder, "x", shape, 3, &error) == MBS_OK, "an input");
    mbs_use_allocator(&second);
    for (int i = 0; i < 200; i++) { /* so that the first one's arrays grow */
        snprintf(name, sizeof name, "r%d", i);
        const mbs_layer_spec layer = {
            .name = name, .op = "relu", .inputs = inputs, .input_count = 1};
        expect(mbs_network_builder_layer(builder, &layer, &error) == MBS_OK, "a layer");
    }
    expect(mbs_network_builder_finish(&network, builder, "memory", &error) == MBS_OK, "a network");
    mbs_use_allocator(NULL);
    mbs_network_builder_free(builder);
    mbs_network_free(network);
    expect_all_back(&first_count);
    expect_all_back(&second_count);
}

static void *make_in_thread(void *argument)
{
    mbs_error error;
    mbs_error_clear(&error);
    expect(mbs_use_allocator(NULL) == NULL, "another thread has the C library's");
    expect(make(argument, MBS_PLANNER_DP, &error) == MBS_OK, "another thread works");
    return NULL;
}

static void *unmake_in_thread(void *argument)
{
    unmake(argument);
    return NULL;
}

static void in_thread(void *(*what)(void *), things *of)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, what, of) != 0 || pthread_join(thread, NULL) != 0)
        expect(0, "a thread");
}

static void threads_have_their_own(void)
{
    COUNTING(mine);
    things made;
    things other;
    mbs_error error;
    mbs_error_clear(&error);
    mbs_use_allocator(&mine);
    in_thread(make_in_thread, &other);
    expect(mine_count.calls == 0, "another thread's memory is not of this one's allocator");
    expect(make(&made, MBS_PLANNER_DP, &error) == MBS_OK, "this thread works");
    unmake(&other);
    mbs_use_allocator(NULL);
    in_thread(unmake_in_thread, &made);
    expect_all_back(&mine_count);
}

int main(void)
{
    every_byte_comes_back();
    a_failing_one_is_survived();
    blocks_stay_with_their_allocator();
    threads_have_their_own();
    return failures > 0;
}
