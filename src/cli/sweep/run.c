/*
 * Runs a sweep on several threads. Workers take the points in order, those that can share a plan
 * together, and leave their rows in a table; the first thread writes the rows in order, and alone
 * heeds signals. So whatever is written is a beginning of the whole, in whole rows.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "output.h"
#include "search.h"
#include "signals.h"
#include "sweep/sweep.h"

#define LOOK_AROUND_S 0.2

typedef struct failure {
    size_t position; /* of the point in the shard; SIZE_MAX: none */
    mbs_status status;
    mbs_error error;
} failure;

typedef struct sweep_state {
    const sweep *of;
    const sweep_use *use;
    size_t size; /* points of the shard */
    atomic_bool stop;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t ready; /* a row or a failure is there, or a worker has ended */
    char **rows;          /* by position; null until there is one, and once it is written */
    size_t next;          /* the first position that no worker has taken */
    size_t written;
    size_t finished; /* rows in the table or written */
    size_t working;  /* threads that have not ended */
    failure failed;  /* the first in order */
} sweep_state;

/* ---- Workers --------------------------------------------------------------------------------- */

/* Positions [first, end) of the shard differ in the machine at most. */
typedef struct portion {
    size_t first;
    size_t end;
} portion;

static bool take_portion(sweep_state *s, portion *taken)
{
    const sweep *of = s->of;
    pthread_mutex_lock(&s->lock);
    const size_t limit = s->failed.position < s->size ? s->failed.position : s->size;
    taken->first = taken->end = s->next;
    if (s->next < limit && !atomic_load(&s->stop)) {
        const size_t unit = sweep_shard_index(of, s->next) / of->machine_count;
        while (taken->end < s->size &&
               sweep_shard_index(of, taken->end) / of->machine_count == unit)
            taken->end++;
        s->next = taken->end;
    }
    pthread_mutex_unlock(&s->lock);
    return taken->end > taken->first;
}

/* Asked by the planners now and then. */
static int is_stopped(const mbs_progress *progress, void *context)
{
    (void)progress;
    sweep_state *s = context;
    return atomic_load(&s->stop);
}

static mbs_status make_plan(sweep_state *s, const sweep_point *at, mbs_plan **plan,
                            mbs_error *error)
{
    const sweep *of = s->of;
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    options.planner = of->planners.values[at->planner];
    options.batch = of->batches.values[at->batch];
    options.buffer_bytes = sweep_buffer_bytes(of, at);
    options.time_limit_s = of->time_limit_s;
    options.work_limit = search_work_limit(options.planner, of->work_limit);
    options.objective = of->objective;
    options.no_pin = of->no_pin;
    options.no_stream = of->no_stream;
    options.in_place = of->in_place;
    options.order = search_order_of(of->order, options.planner);
    options.no_strips = !of->strips[at->planner];
    options.progress = is_stopped;
    options.progress_context = s;
    const mbs_hardware *hardware = &of->machines[at->machine].hardware;
    if (!sweep_recomputes(of, at) && !of->strips[at->planner] && options.order == MBS_ORDER_GIVEN)
        return mbs_plan_create(plan, sweep_program(of, at), hardware, &options, error);
    const mbs_program_options program_options = sweep_program_options(of, at);
    mbs_recompute_options recompute = MBS_RECOMPUTE_OPTIONS_INIT;
    if (sweep_recomputes(of, at))
        recompute = of->recompute;
    return mbs_plan_create_recompute(plan, of->networks[at->network].network, &program_options,
                                     hardware, &options, &recompute, error);
}

static void deliver(sweep_state *s, size_t position, char *row, mbs_status status,
                    const mbs_error *error)
{
    pthread_mutex_lock(&s->lock);
    if (status != MBS_OK && position < s->failed.position)
        s->failed = (failure){position, status, *error};
    s->rows[position] = row;
    s->finished += row != NULL;
    pthread_cond_signal(&s->ready);
    pthread_mutex_unlock(&s->lock);
}

/* A search that was cut short is not what the sweep was asked for. */
static bool may_be_cut_short(const sweep *of, const sweep_point *at, const mbs_plan *plan)
{
    return plan != NULL &&
           (mbs_plan_outcome(plan) == MBS_FEASIBLE || of->strips[at->planner] ||
            search_order_of(of->order, of->planners.values[at->planner]) != MBS_ORDER_GIVEN ||
            (sweep_recomputes(of, at) && of->recompute.recompute == MBS_RECOMPUTE_AUTO));
}

/* `plans` has room for one per machine. */
static void plan_portion(sweep_state *s, const portion *taken, mbs_plan **plans)
{
    const sweep *of = s->of;
    for (size_t position = taken->first; position < taken->end; position++) {
        const sweep_point at = sweep_point_at(of, sweep_shard_index(of, position));
        mbs_plan **plan = &plans[sweep_plan_machine(of, &at)];
        mbs_status status = MBS_OK;
        mbs_error error;
        mbs_error_clear(&error);
        if (*plan == NULL)
            status = make_plan(s, &at, plan, &error);
        if (status == MBS_ERR_STOPPED ||
            (atomic_load(&s->stop) && may_be_cut_short(of, &at, *plan)))
            break;
        char *row = status == MBS_OK ? s->use->row(of, &at, *plan, s->use->context) : NULL;
        if (status == MBS_OK && row == NULL)
            status = MBS_ERR_MEMORY;
        deliver(s, position, row, status, &error);
        if (status != MBS_OK)
            break;
    }
    for (size_t i = 0; i < of->machine_count; i++) {
        mbs_plan_free(plans[i]);
        plans[i] = NULL;
    }
}

static void *work(void *argument)
{
    sweep_state *s = argument;
    portion taken;
    mbs_plan **plans = calloc(s->of->machine_count, sizeof(mbs_plan *));
    while (take_portion(s, &taken)) {
        if (plans != NULL) {
            plan_portion(s, &taken, plans);
        } else {
            mbs_error none;
            mbs_error_clear(&none);
            deliver(s, taken.first, NULL, MBS_ERR_MEMORY, &none);
        }
    }
    free(plans);
    pthread_mutex_lock(&s->lock);
    s->working--;
    pthread_cond_signal(&s->ready);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* ---- Progress -------------------------------------------------------------------------------- */

typedef struct progress_line {
    bool shown;
    int width;
    size_t before; /* points done by an earlier run */
    struct timespec start;
} progress_line;

static void draw(progress_line *line, size_t done, size_t size)
{
    char now[96];
    struct timespec time;
    if (!line->shown)
        return;
    clock_gettime(CLOCK_MONOTONIC, &time);
    const double elapsed = (double)(time.tv_sec - line->start.tv_sec) +
                           1e-9 * (double)(time.tv_nsec - line->start.tv_nsec);
    int width = snprintf(now, sizeof now, "%zu of %zu points, %.0f s", done, size, elapsed);
    if (done > line->before && done < size)
        width += snprintf(now + width, sizeof now - (size_t)width, ", about %.0f s left",
                          elapsed * (double)(size - done) / (double)(done - line->before));
    fprintf(stderr, "\r%-*s", line->width, now);
    line->width = width;
}

static void wipe(const progress_line *line)
{
    if (line->width > 0)
        fprintf(stderr, "\r%*s\r", line->width, "");
}

/* ---- The first thread ------------------------------------------------------------------------ */

static void wait_a_while(sweep_state *s)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (long)(LOOK_AROUND_S * 1e9);
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&s->ready, &s->lock, &until);
}

/* Writes what is there in order, until nothing more will come. Holds the lock but to write. */
static int write_rows(sweep_state *s, progress_line *line)
{
    int status = EXIT_OK;
    pthread_mutex_lock(&s->lock);
    while (s->written < s->size && status == EXIT_OK) {
        char *row = s->rows[s->written];
        if (signals_noted() != 0)
            atomic_store(&s->stop, true);
        if (row == NULL && s->working == 0)
            break;
        if (row == NULL) {
            wait_a_while(s);
            draw(line, s->finished, s->size);
            continue;
        }
        s->rows[s->written++] = NULL;
        pthread_mutex_unlock(&s->lock);
        status = s->use->put(row, s->use->context);
        free(row);
        pthread_mutex_lock(&s->lock);
    }
    atomic_store(&s->stop, true);
    pthread_mutex_unlock(&s->lock);
    return status;
}

static int report_failure(const sweep_state *s)
{
    const sweep_point at = sweep_point_at(s->of, sweep_shard_index(s->of, s->failed.position));
    const mbs_error *error = &s->failed.error;
    char *name = sweep_point_name(s->of, &at);
    complain("%s: %s", name != NULL ? name : "a point",
             error->count > 0 ? error->message[0] : mbs_status_text(s->failed.status));
    free(name);
    return exit_status(s->failed.status);
}

/* Starts as many threads as it can get, up to what was asked for; returns how many. */
static size_t start_workers(sweep_state *s, pthread_t *threads)
{
    sigset_t heeded;
    sigset_t before;
    size_t count = 0;
    sigemptyset(&heeded);
    sigaddset(&heeded, SIGINT);
    sigaddset(&heeded, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &heeded, &before); /* of the new threads */
    pthread_mutex_lock(&s->lock);
    while (count < s->of->threads && count < s->size - s->next &&
           pthread_create(&threads[count], NULL, work, s) == 0)
        count++;
    s->working = count;
    pthread_mutex_unlock(&s->lock);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return count;
}

static int run_workers(sweep_state *s)
{
    pthread_t threads[MOST_THREADS];
    const bool terminal =
        isatty(STDERR_FILENO) == 1 && !messages_are_json() && !s->use->is_on_terminal;
    progress_line line = {.shown = terminal, .before = s->finished};
    clock_gettime(CLOCK_MONOTONIC, &line.start);
    const size_t count = start_workers(s, threads);
    int status = EXIT_OK;
    if (count == 0 && s->next < s->size) {
        complain("cannot start a thread");
        return EXIT_SYSTEM;
    }
    status = write_rows(s, &line);
    for (size_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    wipe(&line);
    if (status == EXIT_OK && s->failed.position == s->written)
        status = report_failure(s);
    return status;
}

int sweep_run_for(const sweep *of, const sweep_use *use, bool *interrupted)
{
    sweep_state s = {.of = of, .use = use, .size = sweep_shard_size(of)};
    s.next = s.written = s.finished = use->done;
    s.failed.position = SIZE_MAX;
    s.rows = calloc(s.size + 1, sizeof *s.rows);
    if (s.rows == NULL) {
        complain("out of memory");
        return EXIT_SYSTEM;
    }
    pthread_mutex_init(&s.lock, NULL);
    pthread_cond_init(&s.ready, NULL);
    signals_catch();
    int status = run_workers(&s);
    signals_restore();
    if (status == EXIT_OK && s.written < s.size)
        *interrupted = signals_noted() != 0;
    for (size_t i = 0; i < s.size; i++)
        free(s.rows[i]);
    free(s.rows);
    pthread_cond_destroy(&s.ready);
    pthread_mutex_destroy(&s.lock);
    return status;
}

/* ---- Rows into a file ------------------------------------------------------------------------ */

static char *make_row(const sweep *of, const sweep_point *at, const mbs_plan *plan, void *context)
{
    (void)context;
    return sweep_row(of, at, plan);
}

static int put_row(const char *row, void *context)
{
    sweep_output *out = context;
    const int status = sweep_output_line(out, row, strlen(row));
    out->done += status == EXIT_OK;
    return status;
}

int sweep_run(const sweep *of, sweep_output *out, bool *interrupted)
{
    const sweep_use use = {make_row, put_row, out, out->done, isatty(out->descriptor) == 1};
    return sweep_run_for(of, &use, interrupted);
}
