/* Plans: schedules of a program on a buffer, and the planners that choose them (4 and 5). */
#ifndef MBSOPT_PLAN_H
#define MBSOPT_PLAN_H

#include <math.h>

#include "mbsopt/hardware.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A schedule: groups, iterations, residency, operand modes, pinned parameters. Immutable. */
typedef struct mbs_plan mbs_plan;

typedef enum mbs_planner {
    MBS_PLANNER_BASELINE = 0,
    MBS_PLANNER_ARCHOPT,
    MBS_PLANNER_IL,
    MBS_PLANNER_MBS_FS,
    MBS_PLANNER_MBS1,
    MBS_PLANNER_MBS2,
    MBS_PLANNER_DP,
    MBS_PLANNER_ILP,
    MBS_PLANNER_BEST, /* for traffic dp, then ilp for a while; else dp */
    MBS_PLANNER_COUNT
} mbs_planner;

typedef enum mbs_outcome {
    MBS_OPTIMAL = 0, /* of the planner's own space, proven */
    MBS_FEASIBLE,    /* a limit stopped the proof */
    MBS_HEURISTIC
} mbs_outcome;

/* What dp and best minimise; whichever it is, a plan reports traffic, time and energy (cost.h). */
typedef enum mbs_objective {
    MBS_TRAFFIC = 0, /* dp, ilp and best: of plans that move as little the quickest */
    MBS_TIME,
    MBS_ENERGY,
    MBS_WEIGHTED, /* traffic and time: bytes + weight · seconds */
    MBS_OBJECTIVE_COUNT
} mbs_objective;

/* How a step brings in its operands that are not resident (section 4). */
typedef enum mbs_mode { MBS_STAGED = 0, MBS_STREAMED = 1, MBS_PASSES = 2 } mbs_mode;

/* In which order steps are planned (section 14). */
typedef enum mbs_order {
    MBS_ORDER_GIVEN = 0, /* the program's, or the network's own, */
    MBS_ORDER_SEARCH,    /* or one that is searched for, */
    MBS_ORDER_AUTO,      /* or that of best for traffic, quickly, where its work allows it */
    MBS_ORDER_COUNT
} mbs_order;

/* How far a planner is. */
typedef struct mbs_progress {
    double elapsed_s;
    int64_t
        incumbent_bytes; /* traffic of the best plan so far; 0: there is none, or it is not told */
    int64_t bound_bytes; /* proven: no plan moves less; 0: nothing is */
} mbs_progress;

/*
 * Called some times a second while planning takes its time, from the caller's thread or one that
 * the planner started while the caller waits. Anything but 0 ends it: ilp, best and the search for
 * what to recompute with the best plan so far, the others, within a third of a second, with
 * MBS_ERR_STOPPED. It may then be called a few times more.
 */
typedef int mbs_progress_function(const mbs_progress *progress, void *context);

typedef struct mbs_plan_options {
    mbs_planner planner;
    int64_t batch;                   /* N, samples of a mini-batch per core */
    int64_t buffer_bytes;            /* 0: the hardware's */
    int no_pin;                      /* dp, ilp, best: pin no parameters */
    int no_stream;                   /* dp, ilp, best: staged operands only */
    double time_limit_s;             /* ilp, best: stop with the best plan so far; or INFINITY */
    double gap_percent;              /* ilp, best: stop once the bound is this near */
    mbs_progress_function *progress; /* or null */
    void *progress_context;
    mbs_objective objective; /* dp, best; the others minimise traffic whatever it says */
    int no_strips;     /* dp, ilp, best, of a split program (program.h): no groups of strips */
    double work_limit; /* ilp, best: stop after so much work; dp: MBS_ERR_STOPPED if it takes
                          more; 0: see below */
    double weight;     /* MBS_WEIGHTED: bytes of traffic that a second is worth, at least 0 */
    int in_place;      /* dp, ilp, best: steps may write over an operand (section 12) */
    mbs_order order; /* dp, ilp, best; of mbs_plan_create_recompute alone, for a program has one */
} mbs_plan_options;

/*
 * Work is counted, not timed: with a limit of it a plan is the same on every machine, whatever else
 * that does. A unit is about a second of one core. Where neither limit is set, ilp and best
 * stop after these; with a time limit alone there is none of work.
 */
#define MBS_WORK_ILP  60.0
#define MBS_WORK_BEST 1.0

/* dp, which takes next to no time; of networks (MBS_OPTIONS_INIT) best is the default. */
#define MBS_PLAN_OPTIONS_INIT                                                                      \
    {                                                                                              \
        MBS_PLANNER_DP, 32, 0, 0, 0, INFINITY, 0, NULL, NULL, MBS_TRAFFIC, 0, 0, 0, 0,             \
            MBS_ORDER_GIVEN                                                                        \
    }

#define MBS_MAX_BATCH 1000000

/* Most strips of rows per sample (section 11). */
#define MBS_MAX_STRIPS 65536

/* DRAM bytes of one training step and core, by class. */
typedef struct mbs_traffic {
    int64_t activation_read; /* tensors, their gradients, masks and indices */
    int64_t activation_write;
    int64_t weight_read;
    int64_t weight_gradient; /* accumulators written and read again, for an update, too */
    int64_t total;
    int64_t optimizer; /* state, masters and weights that updates read and write; in `total` */
} mbs_traffic;

typedef struct mbs_group_info {
    size_t first; /* step ids, inclusive */
    size_t last;
    int64_t iterations;
    int64_t sub_batch;
    int64_t passes;       /* reads of each operand; 1 but for a lone step run in passes */
    int64_t peak_bytes;   /* largest footprint of its steps, pinned bytes included */
    int64_t pinned_bytes; /* parameters that stay in the buffer through all iterations */
    int64_t strips; /* an iteration is one of so many strips of a sample (11); 1: whole samples */
} mbs_group_info;

/* A planner's name on the command line and in files ("mbs-fs"), or null. */
MBS_API const char *mbs_planner_name(mbs_planner planner);
/* Errors: MBS_ERR_INPUT, with the known names in the message. */
MBS_API mbs_status mbs_planner_from_name(mbs_planner *planner, const char *name, mbs_error *error);
MBS_API const char *mbs_outcome_name(mbs_outcome outcome);
/* "given", "search"; or null. */
MBS_API const char *mbs_order_name(mbs_order order);
/* "traffic", "time", "energy", "weighted"; or null. */
MBS_API const char *mbs_objective_name(mbs_objective objective);

/*
 * Plans `program` and replays the result (verify) before returning it. The program is borrowed: it
 * must live as long as the plan. On success *plan is owned by the caller (mbs_plan_free).
 * Errors: MBS_ERR_INPUT (a size overflows; buffer or batch out of range), MBS_ERR_ARGUMENT (the
 * program is built for other words than the hardware's, or is split and the planner takes none
 * such, or another order of its steps is asked for), MBS_ERR_NO_PLAN, MBS_ERR_STOPPED,
 * MBS_ERR_VERIFY (a defect of this library), MBS_ERR_MEMORY.
 */
MBS_API mbs_status mbs_plan_create(mbs_plan **plan, const mbs_program *program,
                                   const mbs_hardware *hardware, const mbs_plan_options *options,
                                   mbs_error *error);

/* What to recompute (section 10). */
typedef struct mbs_recompute_options {
    mbs_recompute recompute;
    double max_percent;     /* auto: the most multiply-accumulates to add, in percent of all */
    int64_t max_dram_bytes; /* the most that may have to be in DRAM at one time; 0: any number */
    int effort;             /* auto: search about so many times as long; 0 is 1 */
} mbs_recompute_options;

#define MBS_RECOMPUTE_OPTIONS_INIT                                                                 \
    {                                                                                              \
        MBS_RECOMPUTE_NONE, 10, 0, 1                                                               \
    }

/* Whether the planner plans programs that recompute: mbs2, dp, ilp and best. */
MBS_API int mbs_planner_recomputes(mbs_planner planner);

/*
 * Whether plans of the planner may have groups of strips (section 11) if no_strips is 0: those of
 * dp, ilp and best.
 */
MBS_API int mbs_planner_takes_strips(mbs_planner planner);

/* Whether in_place is for the planner: dp, ilp and best. The others' plans are the same with it. */
MBS_API int mbs_planner_writes_in_place(mbs_planner planner);

/* Whether an order of steps is searched for, for the planner: dp, ilp and best. */
MBS_API int mbs_planner_searches_order(mbs_planner planner);

/*
 * Builds a program of `network` that recomputes what `recompute` says, or with MBS_RECOMPUTE_AUTO
 * what is best for the objective within max_percent, and plans it as mbs_plan_create does. The plan
 * owns its program (mbs_plan_program). `program_options` are as of mbs_program_create, what they
 * say of recomputing aside; they have no order, which is of one program alone. Inference and the
 * planners that do not recompute get the plain program.
 *
 * dp, ilp and best also plan the program with its norms split, with strips of rows (section 11),
 * and take the better of the two plans (for time and energy, where not all strips are tried,
 * MBS_HEURISTIC), unless no_strips is 1 or the program is to be split anyway. (auto searches among
 * whole samples; what it and the other policies find is then planned both ways.)
 *
 * auto is MBS_HEURISTIC, but with dp and mbs2 never worse than the other policies, those aside that
 * add more than max_percent, nor with ilp and best where the time limit suffices. With these two
 * mbs_plan_bound_bytes is a bound on every plan of every program within max_percent, whatever it
 * recomputes, norms not split and samples whole; if the plan's norms are split, on all others too.
 * If it is met and no_strips is 1 the plan is MBS_OPTIMAL. The search takes as long as some
 * hundreds to thousands of dp's plans; their time limit is that of the search too, and once the
 * caller has ended it all planners but mbs2 come to dp's plan of the best that was found. With dp,
 * and with mbs2 for traffic, neither more max_percent nor more `effort` ever gives a worse plan:
 * without max_dram_bytes, in the given order, and unless split_norms asks for split norms alone.
 *
 * With MBS_ORDER_SEARCH another order of the steps of the plan's program is then searched for, in
 * which dp's plan comes to less of the objective, and planned likewise (by dp alone if best has
 * proven dp's plan to be the best in the order before): the better of the two plans is the plan, so
 * that it is never worse. A limit of work is each one's, one of time of all. No bound of one order
 * is one of others: the plan is MBS_HEURISTIC, its bound what moves in any order. With
 * MBS_ORDER_AUTO best does so for traffic with a quarter of the work, or what half of its limit of
 * work allows, if that is a twentieth at least and any time is left; without a search the plan is
 * as with MBS_ORDER_GIVEN, and so it is if it moves only what moves in any order.
 *
 * With max_dram_bytes auto takes the plan that is best for the objective of those found that need
 * no more DRAM (mbs_plan_dram_peak), and if max_percent is infinite, the lowest of 10, 25, 50 and
 * 100 percent within which it finds any; the search takes two to four times as long. It is no proof
 * that other sets, or other groups of one set, would not do with less. Whatever is recomputed, a
 * plan that needs more is not returned: MBS_ERR_NO_PLAN, with the least that was found in the
 * message. That much is enough for another call.
 *
 * Errors: as of mbs_program_create and mbs_plan_create; MBS_ERR_INPUT if max_percent or
 * max_dram_bytes is negative.
 */
MBS_API mbs_status mbs_plan_create_recompute(mbs_plan **plan, const mbs_network *network,
                                             const mbs_program_options *program_options,
                                             const mbs_hardware *hardware,
                                             const mbs_plan_options *options,
                                             const mbs_recompute_options *recompute,
                                             mbs_error *error);

/*
 * All that a plan of a network may be asked for. Start from MBS_OPTIONS_INIT, which is what the
 * command line does without options.
 */
typedef struct mbs_options {
    mbs_planner planner;
    mbs_objective objective; /* dp, best; the others minimise traffic whatever it says */
    int64_t batch;           /* N, samples of a mini-batch per core */
    int64_t buffer_bytes;    /* 0: the hardware's */
    int inference;           /* 1: the forward phase alone */
    int keep_batch_norm;     /* 1: batch norms as they are; 0: as group norms, but for the planners
                                baseline and archopt, which always keep them */
    mbs_recompute recompute; /* ignored with inference, and by planners that recompute nothing */
    double max_recompute_percent;    /* auto: the most multiply-accumulates to add */
    int no_pin;                      /* dp, ilp, best: pin no parameters */
    int no_stream;                   /* dp, ilp, best: staged operands only */
    double time_limit_s;             /* ilp, best: stop with the best plan so far; or INFINITY */
    double gap_percent;              /* ilp, best: stop once the bound is this near */
    mbs_progress_function *progress; /* or null */
    void *progress_context;
    int no_strips;      /* dp, ilp, best: no groups of strips (section 11) */
    double work_limit;  /* ilp, best: stop after so much work; 0: as of mbs_plan_options */
    double weight;      /* MBS_WEIGHTED: bytes of traffic that a second is worth, at least 0 */
    int limit_slowdown; /* dp, best, for traffic: 1: no plan that is slower than baseline */
    double max_slowdown_percent; /* by more than this */
    mbs_optimizer optimizer;     /* ignored with inference */
    int64_t max_dram_bytes; /* the most that may have to be in DRAM at one time; 0: any number */
    int in_place;           /* dp, ilp, best: steps may write over an operand (section 12) */
    int no_fold;     /* inference: 1: the network as it is; 0: with MBS_FUSE_PRODUCTS (network.h) */
    int fuse;        /* 1: with MBS_FUSE_NORMS and, in training, MBS_FUSE_SUMS */
    mbs_order order; /* dp, ilp, best: whether another order of steps is searched for */
    int effort;      /* auto: search about so many times as long; 0 is 1 */
} mbs_options;

#define MBS_OPTIONS_INIT                                                                           \
    {                                                                                              \
        MBS_PLANNER_BEST, MBS_TRAFFIC, 32, 0, 0, 0, MBS_RECOMPUTE_NONE, 10, 0, 0, INFINITY, 0,     \
            NULL, NULL, 0, 0, 0, 0, 0, MBS_OPTIMIZER_NONE, 0, 0, 0, 0, MBS_ORDER_AUTO, 1           \
    }

/*
 * From a network to its plan, which most callers need no more than: builds the program for the
 * hardware's word sizes, plans it and replays the plan before returning it. The network may be
 * freed afterwards; the plan owns its program (mbs_plan_program), and *plan is owned by the caller
 * (mbs_plan_free). With limit_slowdown and traffic for the objective, the plan is the one of
 * least traffic among those that are not slower than that, of plans that some weight makes
 * (mbs_plan_tradeoff): its own objective is then MBS_WEIGHTED or MBS_TIME. Errors and cost: as of
 * mbs_plan_create_recompute; MBS_ERR_NO_PLAN (even the quickest plan is slower), MBS_ERR_INPUT (a
 * member of the hardware is not what a file might say), MBS_ERR_ARGUMENT (a null pointer, but
 * for `error`).
 */
MBS_API mbs_status mbs_plan_network(mbs_plan **plan, const mbs_network *network,
                                    const mbs_hardware *hardware, const mbs_options *options,
                                    mbs_error *error);

/*
 * Plans that no other found is better than in both traffic and time: from the one of least traffic,
 * as of mbs_plan_network with these options and MBS_TRAFFIC, to the quickest, as with MBS_TIME.
 * Those between are of MBS_WEIGHTED, each for the weight at which its two neighbours of then were
 * worth the same; at most `most` (3 at least) in all, where they are furthest apart first. They are
 * the corners of the convex hull of what all plans move and take, as far as the search for time is
 * exact (whole samples; with strips, section 11, it is not). plans[0 … *count - 1] are the caller's
 * (mbs_plan_free). Of plans within a limit of DRAM those are left out for which none was found,
 * unless it is the first. It takes as long as some two plans for time for each. Errors: as of
 * mbs_plan_network; MBS_ERR_ARGUMENT (no room for 3; a planner other than dp and best).
 */
MBS_API mbs_status mbs_plan_tradeoff(mbs_plan **plans, size_t most, size_t *count,
                                     const mbs_network *network, const mbs_hardware *hardware,
                                     const mbs_options *options, mbs_error *error);

/* What a plan's program recomputes. */
typedef struct mbs_recompute_info {
    size_t layers;       /* whose outputs are computed again */
    size_t norms;        /* of them, likewise below */
    size_t activations;  /* and all others: rectifiers, sums, … */
    size_t convolutions; /* and other layers with matrix products */
    double macs_percent; /* multiply-accumulates added, in percent of all the others */
    size_t anew;         /* steps that compute one of these layers once more than once */
} mbs_recompute_info;

/* O(steps). Of a plan loaded from a file macs_percent is 0 and what is recomputed not known. */
MBS_API void mbs_plan_recompute(const mbs_plan *plan, mbs_recompute_info *info);

/*
 * Writes the integer program of the planner ilp (section 6, docs/exact.md) for other solvers: LP
 * format if `path` ends in ".lp", free MPS format if it ends in ".mps". Of the options batch,
 * buffer, no_pin, no_stream and progress count. The file is replaced whole or not at all.
 * O(steps · steps · sub-batch sizes) at worst. Errors: MBS_ERR_INPUT (also: another ending, or a
 * program too large to be of use), MBS_ERR_IO, MBS_ERR_MEMORY, MBS_ERR_STOPPED.
 */
MBS_API mbs_status mbs_plan_export_model(const mbs_program *program, const mbs_hardware *hardware,
                                         const mbs_plan_options *options, const char *path,
                                         mbs_error *error);

/*
 * Turns a solution of that integer program, made for the same program, hardware and options, into
 * a plan, and replays it before returning it. The file ("-" is standard input) is a list of
 * "name value" or "index name value" lines, as solvers write, or one of GLPK's own formats
 * (glpsol --write or --output). Nothing is believed of its optimality: the outcome is
 * MBS_FEASIBLE and no bound is known. Ownership as of mbs_plan_create.
 * Errors: MBS_ERR_INPUT (no solution file, or of another program), MBS_ERR_IO, MBS_ERR_MEMORY,
 * MBS_ERR_VERIFY (a defect of this library).
 */
MBS_API mbs_status mbs_plan_import_solution(mbs_plan **plan, const mbs_program *program,
                                            const mbs_hardware *hardware,
                                            const mbs_plan_options *options, const char *path,
                                            mbs_error *error);

/*
 * Loads an `mbsopt-plan/1` file without judging the schedule (mbs_plan_verify does); the plan owns
 * its program. Errors: MBS_ERR_INPUT, MBS_ERR_IO, MBS_ERR_MEMORY.
 */
MBS_API mbs_status mbs_plan_load_file(mbs_plan **plan, const char *path, mbs_error *error);
MBS_API mbs_status mbs_plan_load_text(mbs_plan **plan, const char *text, size_t length,
                                      const char *label, mbs_error *error);

/*
 * Executes the plan step by step and iteration by iteration, or strip by strip, against a modelled
 * buffer and DRAM and checks every rule of sections 4 and 11 and every figure of the plan. That no
 * other plan moves less is believed of a bound; but what is MBS_OPTIMAL must move what its bound
 * says (section 9). Errors: MBS_ERR_VERIFY, each violated rule in a message of its own with the
 * step and the numbers; MBS_ERR_MEMORY. `counted`, if not null, gets the bytes that the replay
 * moved.
 */
MBS_API mbs_status mbs_plan_verify(const mbs_plan *plan, mbs_traffic *counted, mbs_error *error);

/* Frees a plan; null is allowed. */
MBS_API void mbs_plan_free(mbs_plan *plan);

MBS_API const mbs_program *mbs_plan_program(const mbs_plan *plan);
/*
 * Who made the plan. The planner best calls a plan "dp" that is dp's, if the limit came before ilp
 * found a better one or proved that there is none, else "ilp"; outcome and bound are ilp's in both
 * cases. A plan from mbs_plan_import_solution is "imported".
 */
MBS_API const char *mbs_plan_planner_name(const mbs_plan *plan);

/* What made a plan: all null if a loaded plan does not tell; they live as long as the plan. */
typedef struct mbs_origin_info {
    const char *program;         /* with its version: "mbsopt 0.1.0" */
    const char *hardware;        /* its name, */
    const char *hardware_digest; /* and what tells its figures: mbs_hardware_digest */
    const char
        *options; /* that make the plan anew of network and hardware: "--planner dp --batch 32" */
} mbs_origin_info;
MBS_API void mbs_plan_origin(const mbs_plan *plan, mbs_origin_info *info);

MBS_API mbs_outcome mbs_plan_outcome(const mbs_plan *plan);
/* What the plan was made least of, and its outcome is said of. */
MBS_API mbs_objective mbs_plan_objective(const mbs_plan *plan);
MBS_API int64_t mbs_plan_batch(const mbs_plan *plan);
MBS_API int64_t mbs_plan_buffer_bytes(const mbs_plan *plan);
/* A proven lower bound on the traffic of every plan of the planner's space, or 0 if none is known.
 */
MBS_API int64_t mbs_plan_bound_bytes(const mbs_plan *plan);
/*
 * What the plan in the network's own order of steps moves, where another was searched for (model,
 * section 14), or 0: this plan moves no more. And a proven lower bound, of ilp and best, on every
 * plan in that order, or 0 if none is known.
 */
MBS_API int64_t mbs_plan_given_bytes(const mbs_plan *plan);
MBS_API int64_t mbs_plan_given_bound_bytes(const mbs_plan *plan);
MBS_API void mbs_plan_traffic(const mbs_plan *plan, mbs_traffic *traffic);
/*
 * The traffic of a chip whose `cores` cores run the plan side by side, step by step, each on
 * samples of its own. In *apart nothing is shared, as a core's figures are of one that is alone: as
 * many times its traffic. In *shared weights are fetched for all cores at once, their gradients are
 * summed up on the chip before they go to DRAM, and updated once; activations are each core's.
 * Errors: MBS_ERR_ARGUMENT (no core; more than 64 bits).
 */
MBS_API mbs_status mbs_plan_chip_traffic(const mbs_plan *plan, int64_t cores, mbs_traffic *apart,
                                         mbs_traffic *shared);

/*
 * What must be in DRAM at one time: the weights of the network, an optimizer's state, and the
 * network's inputs, throughout; weights that an update makes, from its group on; the accumulators
 * of weight gradients from the group that begins them to that of their update if there is one,
 * else, and an inference's results from the one that makes them, to the end; any other tensor from
 * the group that writes it to the last that reads it from there. Of tensors all samples of the
 * mini-batch are counted.
 */
typedef struct mbs_dram_peak {
    int64_t bytes; /* the sum of the following, where it is largest */
    int64_t weights;
    int64_t accumulators;
    int64_t tensors;
    size_t group;  /* the first in which it is */
    int64_t state; /* of an optimizer, master weights included */
} mbs_dram_peak;

/*
 * O(steps + touches). Errors: MBS_ERR_MEMORY, MBS_ERR_INPUT (more than 2^60 bytes in all, from a
 * loaded plan).
 */
MBS_API mbs_status mbs_plan_dram_peak(const mbs_plan *plan, mbs_dram_peak *peak, mbs_error *error);

MBS_API size_t mbs_plan_group_count(const mbs_plan *plan);
/* Errors: MBS_ERR_ARGUMENT. */
MBS_API mbs_status mbs_plan_group(const mbs_plan *plan, size_t index, mbs_group_info *info);
/* The group's part of the plan's traffic. Errors: MBS_ERR_ARGUMENT. O(touches of the group). */
MBS_API mbs_status mbs_plan_group_traffic(const mbs_plan *plan, size_t index, mbs_traffic *traffic);
/* One step's part of it, a tensor's write counted where it is produced. Errors: MBS_ERR_ARGUMENT.
 */
MBS_API mbs_status mbs_plan_step_traffic(const mbs_plan *plan, size_t step, mbs_traffic *traffic);
/* Errors: MBS_ERR_ARGUMENT. */
MBS_API mbs_status mbs_plan_step_mode(const mbs_plan *plan, size_t step, mbs_mode *mode);
/* The tensor that the first one which the step writes is written over (section 12), or -1. */
MBS_API mbs_status mbs_plan_step_in_place(const mbs_plan *plan, size_t step, int64_t *tensor);

#ifdef __cplusplus
}
#endif
#endif
