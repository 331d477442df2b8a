/*
 * Sweeps: the cross product of networks, buffers, batches, planners and machines, in which a
 * planner with and without strips is two. A point's index counts the machines fastest, then
 * planners, batches, buffers and networks; the rows of the output stand in the order of the
 * indices.
 */
#ifndef CLI_SWEEP_H
#define CLI_SWEEP_H

#include <mbsopt/mbsopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "lists.h"
#include "options.h"

#define MOST_POINTS  10000000
#define MOST_THREADS 1024

typedef struct sweep_network {
    mbs_network *network;
    /* two per machine, those that keep batch norms second; only of the first machine of each word
     * size */
    mbs_program **programs;
} sweep_network;

typedef struct sweep_machine {
    mbs_hardware hardware;
    size_t same_words; /* the first machine with the same word sizes, and so the same programs */
    size_t same_plans; /* the first for which plans of least traffic are the same */
} sweep_machine;

typedef struct sweep {
    sweep_network *networks;
    size_t network_count;
    number_list buffers; /* one of 0: each machine's own */
    number_list batches;
    planner_list planners;
    bool strips[2 * MBS_PLANNER_COUNT]; /* per planner: its plans may have groups of strips */
    sweep_machine *machines;
    size_t machine_count;
    const char *default_machines; /* without --hardware: their names; null: wavecore, unloaded */
    int inference;
    int fusion; /* a sum of mbs_fusion, as the networks are */
    int keep_batch_norm;
    mbs_optimizer optimizer;
    mbs_recompute_options recompute; /* of the planners that do */
    mbs_objective objective;         /* of dp, and of what is recomputed */
    int no_pin;                      /* dp, ilp, best: as mbs_plan_options; likewise */
    int no_stream;
    int in_place;
    mbs_order order;
    double time_limit_s;
    double work_limit;
    bool json;     /* JSON lines, not CSV */
    size_t shard;  /* the points shard, shard + shards, … are wanted */
    size_t shards; /* at least 1 */
    size_t threads;
    size_t point_count; /* of all shards */
    const char *output; /* null or "-": standard output */
    const char *resume; /* the file to go on with, or null */
    bool force;         /* a file of other rows is to be replaced */
} sweep;

/* A point: places in the lists of the sweep. */
typedef struct sweep_point {
    size_t index;
    size_t network;
    size_t buffer;
    size_t batch;
    size_t planner;
    size_t machine;
} sweep_point;

/* ---- load.c ---- */

/* Loads everything. Says what is wrong; returns the exit status. Free in any case. */
int sweep_load(sweep *of, const arguments *given);

/* Likewise, but of one machine, which is copied, whatever --hardware says. */
int sweep_load_for(sweep *of, const mbs_hardware *hardware, const arguments *given);
void sweep_free(sweep *of);

/* ---- points.c: nothing here prints or reads files ---- */

/* Fills in same_words and same_plans of a machine; those before it are related already. */
void sweep_relate_machine(sweep *of, size_t index);

/* The planners that take strips become one for each of the `count` values of `wanted`; others are
 * without. */
void sweep_add_strips(sweep *of, const bool *wanted, size_t count);

/* Counts the points from the lengths of the lists; false if there are more than MOST_POINTS. */
bool sweep_count_points(sweep *of);

sweep_point sweep_point_at(const sweep *of, size_t index);
int64_t sweep_buffer_bytes(const sweep *of, const sweep_point *at);
const mbs_program *sweep_program(const sweep *of, const sweep_point *at);
bool sweep_keeps_batch_norms(const sweep *of, const sweep_point *at);
/* Whether the point is planned with recomputation. */
bool sweep_recomputes(const sweep *of, const sweep_point *at);
mbs_program_options sweep_program_options(const sweep *of, const sweep_point *at);
/* The first machine for which the point has the same plan. */
size_t sweep_plan_machine(const sweep *of, const sweep_point *at);

/* How many points this shard has, and the index of its `position`-th. */
size_t sweep_shard_size(const sweep *of);
size_t sweep_shard_index(const sweep *of, size_t position);

/* ---- row.c: lines without their newline, owned by the caller; null if memory is out ---- */

/* The line before the first row; CSV only. */
char *sweep_header(const sweep *of);

/* The first column that a whole line, a header or of JSON, lacks because an older version wrote it;
 * null if it lacks none, or is no line of a sweep. */
const char *sweep_older_lacks(const char *line, bool json);

/* What a row starts with whatever comes of the point: all that tells it from others. */
char *sweep_row_start(const sweep *of, const sweep_point *at);

/* The row of the point, planned as `plan`, up to its newline. */
char *sweep_row(const sweep *of, const sweep_point *at, const mbs_plan *plan);

/* Whether what follows its start makes `row` a whole one. */
bool sweep_row_is_whole(const sweep *of, const char *row, size_t start_length);

/* The point in words for messages. */
char *sweep_point_name(const sweep *of, const sweep_point *at);

/* ---- check.c ---- */

/* What a file holds of a sweep's shard, from its first row on. */
typedef struct sweep_rows {
    size_t rows;
    off_t kept; /* bytes of these rows and their header */
    bool has_header;
    bool are_twice;   /* behind them are rows of this sweep that are there already */
    bool are_strange; /* behind them is something else than a row that was cut off */
    char why[1024];   /* for both: which line, and what about it */
} sweep_rows;

/* Reads `stream`, called `name`, from where it is. Says what is wrong; returns the exit status. */
int sweep_check_rows(sweep_rows *found, const sweep *of, const char *name, FILE *stream);

/* ---- output.c ---- */

/*
 * Where the rows go. A regular file is not touched before all are there: until then they are in a
 * file beside it, its name and ".part", which is locked and stays if the sweep is interrupted.
 * Anything else (standard output, a pipe, a device) is written to directly.
 */
typedef struct sweep_output {
    const char *name; /* for messages */
    int descriptor;
    FILE *stream; /* of the descriptor, where there is a part */
    char *target; /* the file at the end, and */
    char *part;   /* the one until then; both null where rows are written directly */
    bool is_mine; /* the part holds what this process put there or goes on with */
    size_t done;  /* points of the shard whose rows are there */
} sweep_output;

/*
 * Opens the output, with the rows that are there if the sweep goes on, and writes the header if it
 * is missing. Nothing is changed of a file that holds other rows, unless that is forced, nor where
 * another process writes. Says what is wrong; returns the exit status.
 */
int sweep_output_open(sweep_output *out, const sweep *of);
int sweep_output_line(const sweep_output *out, const char *line, size_t length);

/*
 * Ends the output, whether or not it could be opened: if `whole`, the part becomes the file; else
 * it stays if there is any row in it. Says what is wrong; returns the exit status.
 */
int sweep_output_close(sweep_output *out, bool whole);

/* ---- again.c ---- */

/* The command, as a line for a shell, that goes on with `file`; null if memory is out. */
char *sweep_command(const arguments *given, const char *file);

/* ---- cmd_sweep.c ---- */

/* --threads: all cores if `value` is null. Says what is wrong; returns the exit status. */
int sweep_read_threads(sweep *of, const char *value);

/* More than one of the operands and machines that are standard input: says so; EXIT_USAGE. */
int sweep_check_standard_input(const arguments *given);

/* Says once if batch norms are planned as group norms. */
void sweep_note_replaced_norms(const sweep *of);

/* ---- run.c ---- */

/* What becomes of the points of a shard once they are planned. */
typedef struct sweep_use {
    /* What is kept of the point, the caller's (free); null if memory is out. Called by any thread,
       several at a time. */
    char *(*row)(const sweep *of, const sweep_point *at, const mbs_plan *plan, void *context);
    /* Takes what row made of each point, in their order, in the first thread. Says what is wrong;
       returns the exit status. */
    int (*put)(const char *row, void *context);
    void *context;
    size_t done;         /* the first points that need not be planned */
    bool is_on_terminal; /* there is a terminal that they go to: no line on progress beside them */
} sweep_use;

/*
 * Plans the points that are not done, on several threads. A signal to end is obeyed once the rows
 * at hand are put: *interrupted is then true. Says what is wrong; returns the exit status.
 */
int sweep_run_for(const sweep *of, const sweep_use *use, bool *interrupted);

/* The same for rows that are written, which it counts in out->done. */
int sweep_run(const sweep *of, sweep_output *out, bool *interrupted);

#endif
