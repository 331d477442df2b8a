/*
 * The rows and row maps of random networks' programs (model, section 11) against what their
 * elements are made of: whatever a row of a step uses of an operand is among the rows that the map
 * says it needs. What a value's rows are is taken from the builder; all else from the definitions
 * of ops and views. The seed is printed; MBS_SEED=N repeats a run, MBS_ROUNDS=N makes it longer.
 */
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "op_elements.h"
#include "program/builder.h"
#include "program/rows.h"
#include "random_chain.h"
#include "random_network.h"
#include "run.h"

static uint64_t seed = 20171204;
static int rounds = 100;
static mbs_error error;

typedef enum role { ACTIVATION, SIDE, GRADIENT, STATISTICS } role;

/* A program and what its tensors are. */
typedef struct trace {
    const mbs_network *network;
    builder b; /* values and parts; its program has become p */
    mbs_program *p;
    const char **names; /* of the values and parts */
    role *roles;        /* per tensor of p */
    int32_t *bases;     /* per tensor: the value or part whose rows it has */
    char label[RANDOM_LABEL_BYTES];
    int64_t checked;
} trace;

/* The value or part called so up to `length`, or -1. */
static int32_t base_named(const trace *t, const char *name, size_t length)
{
    for (int32_t i = 0; i < t->b.base_count; i++)
        if (strlen(t->names[i]) == length && strncmp(t->names[i], name, length) == 0)
            return i;
    return -1;
}

static void find_role(trace *t, int32_t id)
{
    static const char *const endings[] = {".grad",  ".mask",           ".index",
                                          ".remat", ".bwd.statistics", ".statistics"};
    static const role roles[] = {GRADIENT, SIDE, SIDE, ACTIVATION, STATISTICS, STATISTICS};
    const char *name = t->p->tensors[id].name;
    size_t length = strlen(name);
    t->roles[id] = ACTIVATION;
    for (int i = 5; i >= 0; i--) {
        const char *ending = strstr(name, endings[i]);
        if (ending != NULL) {
            t->roles[id] = roles[i];
            length = (size_t)(ending - name);
        }
    }
    t->bases[id] = base_named(t, name, length);
    ck_assert_msg(t->bases[id] >= 0, "%s: what is tensor %s?", t->label, name);
}

static void open_trace(trace *t, uint64_t *state)
{
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    *t = (trace){0};
    mbs_network *network = NULL;
    while (network == NULL) {
        const int64_t choice = random_between(state, 0, 4);
        network = choice == 0 ? random_volume(state, (int)random_between(state, 1, 6), t->label)
                  : choice % 2
                      ? random_network(state, (int)random_between(state, 1, 9), t->label)
                      : random_network_of_rows(state, (int)random_between(state, 1, 6), t->label);
    }
    options.split_norms = 1;
    options.recompute = (mbs_recompute)random_between(state, 0, MBS_RECOMPUTE_AUTO - 1);
    options.inference = random_between(state, 0, 4) == 0;
    mbs_network *fused;
    must_succeed(mbs_network_fuse(&fused, network,
                                  random_between(state, 0, 1) == 0 ? 0 : MBS_FUSE_SUMS, &error),
                 &error, t->label);
    mbs_network_free(network);
    t->network = network = fused;
    ck_assert(builder_open(&t->b, network, &options, false, &error));
    t->names = malloc((size_t)t->b.base_count * sizeof *t->names);
    for (int32_t i = 0; i < t->b.base_count; i++)
        t->names[i] = t->b.program->tensors[i].name;
    t->p = builder_end(&t->b);
    ck_assert_ptr_nonnull(t->p);
    t->roles = malloc((size_t)t->p->tensor_count * sizeof *t->roles);
    t->bases = malloc((size_t)t->p->tensor_count * sizeof *t->bases);
    for (int32_t id = 0; id < t->p->tensor_count; id++)
        find_role(t, id);
}

static void close_trace(trace *t)
{
    builder_close(&t->b);
    mbs_program_free(t->p);
    free(t->names);
    free(t->roles);
    free(t->bases);
    mbs_network_free((mbs_network *)t->network);
}

/* ---- Rows of elements ------------------------------------------------------------------------ */

static int64_t row_of_value(const trace *t, element e)
{
    const int axis = t->b.row_axis[e.value];
    return axis < 0 ? 0 : element_index(traced_shape(t->network, e.value), e.at, axis);
}

/* The row of an element of a value in tensor `id`, which has that value's form, or of a part of it
   that has the element; else -1. */
static int64_t row_in(const trace *t, int32_t id, element e)
{
    const builder *b = &t->b;
    const int32_t base = t->bases[id];
    if (owner_of(b, base) != e.value)
        return -1;
    if (base < b->value_count)
        return row_of_value(t, e);
    const int64_t *begin = &b->part_begin[base - b->value_count];
    const int64_t run = value_elements(t->network, e.value) / b->ranges[e.value].blocks;
    const bool last = base == b->own[e.value].begin + b->own[e.value].count - 1;
    const int64_t at = e.at % run;
    if (at < begin[0] || at >= (last ? run : begin[1]))
        return -1;
    if (is_aligned_part(b, base))
        return row_of_value(t, e);
    if (t->p->tensors[id].rows == 1)
        return 0;
    return row_of_value(t, e) - row_of_value(t, (element){e.value, begin[0]});
}

/* Step k, whose row j uses row r of what touch u reads: it must be among those needed. */
static void check_use(trace *t, int32_t u, int64_t j, int64_t r)
{
    const mbs_touch *touch = &t->p->touches[u];
    const mbs_step *step = &t->p->steps[touch->step];
    const mbs_tensor *tensor = &t->p->tensors[touch->tensor];
    const mbs_row_map *map = &t->p->maps[touch->map];
    const int64_t need = row_map_need(map, j + 1, step->rows, tensor->rows);
    const int64_t first = row_map_first(map, j, step->rows, tensor->rows);
    t->checked++;
    ck_assert_msg(j < step->rows && r < tensor->rows && r >= first && r < need,
                  "%s: row %" PRId64 " of %" PRId64 " of step %s uses row %" PRId64 " of %" PRId64
                  " of %s, but needs %" PRId64 " to %" PRId64 " by a map of kind %d",
                  t->label, j, step->rows, step->name, r, tensor->rows, tensor->name, first,
                  need - 1, (int)map->kind);
}

/* ---- Gradients that stand for others' -------------------------------------------------------- */

typedef struct reaching {
    trace *t;
    element from; /* of a sum */
    element to;   /* an element that is added up in it, by way of other sums */
    int32_t u;
    int64_t j;
    int64_t row;
} reaching;

static void follow_sum(void *context, int32_t input, element of)
{
    reaching r = *(reaching *)context;
    (void)input;
    if (of.value == r.to.value && of.at == r.to.at)
        check_use(r.t, r.u, r.j, r.row);
    const mbs_layer *l = value_layer(r.t->network, of.value);
    if (l != NULL && (l->op == OP_ADD || l->op == OP_BIAS) && of.value > r.to.value)
        op_elements(r.t->network, l, of.at, follow_sum, &r);
}

/* Row j uses of a gradient's tensor what is the gradient of the element. */
static void use_gradient(trace *t, int32_t u, int64_t j, element of)
{
    const int32_t id = t->p->touches[u].tensor;
    const int32_t owner = owner_of(&t->b, t->bases[id]);
    const int64_t row = row_in(t, id, of);
    if (row >= 0)
        check_use(t, u, j, row);
    if (owner == of.value)
        return;
    for (int64_t at = 0; at < value_elements(t->network, owner); at++) {
        reaching r = {t, {owner, at}, of, u, j, row_in(t, id, (element){owner, at})};
        const mbs_layer *l = value_layer(t->network, owner);
        if (r.row >= 0 && l != NULL)
            op_elements(t->network, l, at, follow_sum, &r);
    }
}

/* ---- Steps ----------------------------------------------------------------------------------- */

typedef struct step_use {
    trace *t;
    const mbs_step *step;
    element out;   /* of the layer's output */
    int32_t write; /* backward: the gradient's touch */
    int64_t j;
} step_use;

/* Row j uses an element of an input, in whatever tensor it is read. */
static void use_input(void *context, int32_t input, element of)
{
    const step_use *s = context;
    (void)input;
    for (int32_t u = s->step->touch_begin; u < s->step->write_begin; u++) {
        const int32_t id = s->t->p->touches[u].tensor;
        const int64_t row = s->t->roles[id] == ACTIVATION ? row_in(s->t, id, of) : -1;
        if (row >= 0)
            check_use(s->t, u, s->j, row);
    }
}

/* Row j uses of the gradient that the step adds to, if it does, what is the element's. */
static void use_running(const step_use *s, element of)
{
    const int32_t running = s->t->p->tensors[s->t->p->touches[s->write].tensor].running;
    for (int32_t u = s->step->touch_begin; u < s->step->write_begin; u++)
        if (running >= 0 && s->t->p->touches[u].tensor == running)
            use_gradient(s->t, u, s->j, of);
}

/* Row j of a backward step uses what there is of an element of the output. */
static void use_output(const step_use *s)
{
    for (int32_t u = s->step->touch_begin; u < s->step->write_begin; u++) {
        const int32_t id = s->t->p->touches[u].tensor;
        const int64_t row = row_in(s->t, id, s->out);
        if (program_is_running(s->t->p, u))
            continue;
        if (s->t->roles[id] == GRADIENT)
            use_gradient(s->t, u, s->j, s->out);
        else if (s->t->roles[id] != STATISTICS && row >= 0)
            check_use(s->t, u, s->j, row);
    }
}

/* An input's element that has its gradient in the tensor at hand: that is made of the output's. */
static void use_for_gradient(void *context, int32_t input, element of)
{
    step_use s = *(step_use *)context;
    const mbs_op op = s.t->network->layers[s.step->layer_id].op;
    s.j = row_in(s.t, s.t->p->touches[s.write].tensor, of);
    if (s.j < 0 || (s.step->pass == STEP_AGRAD && input == 1) ||
        (s.step->pass == STEP_BGRAD && input == 0))
        return;
    use_output(&s);
    use_running(&s, of);
    if (op == OP_MUL || op == OP_ELEMENTWISE || op == OP_MATMUL)
        op_elements(s.t->network, &s.t->network->layers[s.step->layer_id], s.out.at, use_input, &s);
    else if (s.step->pass == STEP_BWD)
        use_input(&s, input, of);
}

/* x and dY of one product, or of one element's part in statistics, go by the rows of one of them.
 */
static void use_pair(void *context, int32_t input, element of)
{
    step_use s = *(step_use *)context;
    const bool by_input = s.t->network->layers[s.step->layer_id].op == OP_CONV_TRANSPOSE;
    for (int32_t u = s.step->touch_begin; u < s.step->write_begin; u++) {
        const int32_t id = s.t->p->touches[u].tensor;
        if (s.t->p->touches[u].map != ROW_MAP_SAME)
            continue;
        s.j = row_in(s.t, id, by_input ? of : s.out);
        if (s.j < 0 || (s.t->roles[id] == GRADIENT) == by_input)
            continue;
        use_input(&s, input, of);
        use_output(&s);
    }
}

static void check_gsum(trace *t, const mbs_step *step)
{
    const int32_t id = t->p->touches[step->write_begin].tensor;
    const int32_t value = owner_of(&t->b, t->bases[id]);
    ck_assert_int_eq(step->rows, t->p->tensors[id].rows);
    for (int64_t at = 0; at < value_elements(t->network, value); at++) {
        const element e = {value, at};
        for (int32_t u = step->touch_begin; u < step->write_begin && row_in(t, id, e) >= 0; u++)
            use_gradient(t, u, row_in(t, id, e), e);
    }
}

static void check_element(trace *t, const mbs_step *step, element out)
{
    const mbs_layer *l = &t->network->layers[step->layer_id];
    step_use s = {t, step, out, -1, 0};
    const bool forward = step->pass == STEP_FORWARD || step->pass == STEP_REMAT;
    if (step->pass == STEP_WGRAD || step->pass == STEP_BWD_STAT)
        op_elements(t->network, l, out.at, use_pair, &s);
    if (step->pass == STEP_STAT || (forward && l->op == OP_GLOBAL_AVG_POOL))
        return; /* sums in any order */
    for (s.write = step->write_begin; s.write < step->touch_end; s.write++) {
        const int32_t id = t->p->touches[s.write].tensor;
        if (t->p->tensors[id].rows != step->rows || t->roles[id] == STATISTICS)
            continue; /* there when all is done */
        s.j = row_in(t, id, out);
        if (forward && s.j >= 0)
            op_elements(t->network, l, out.at, use_input, &s);
        if (!forward)
            op_elements(t->network, l, out.at, use_for_gradient, &s);
    }
}

START_TEST(rows_use_what_maps_say)
{
    uint64_t state = seed + (uint64_t)_i * UINT64_C(0x9e3779b97f4a7c15);
    int64_t checked = 0;
    for (int round = 0; round < rounds / 5; round++) {
        trace t;
        open_trace(&t, &state);
        for (int32_t k = 0; k < t.p->step_count; k++) {
            const mbs_step *step = &t.p->steps[k];
            if (step->pass == STEP_GSUM)
                check_gsum(&t, step);
            if (step->pass == STEP_GSUM || step->pass == STEP_LOSS)
                continue;
            const int32_t value = t.network->input_count + step->layer_id;
            for (int64_t at = 0; at < value_elements(t.network, value); at++)
                check_element(&t, step, (element){value, at});
        }
        checked += t.checked;
        close_trace(&t);
    }
    ck_assert_int_gt(checked, 1000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("traced rows");
    TCase *tests = tcase_create("traced rows");
    run_settings(&seed, &rounds);
    tcase_set_timeout(tests, 600);
    tcase_add_loop_test(tests, rows_use_what_maps_say, 0, 5);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
