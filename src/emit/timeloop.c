/* Problems of Timeloop: one file per distinct convolution or matrix product. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "emit/exporter.h"
#include "emit/products.h"
#include "emit/safe_names.h"

/*
 * The seven dimensions of a convolution and its four coefficients: the same for all three passes,
 * which differ in the data space that is written. A matrix product that belongs to no convolution
 * has windows of 1 x 1.
 */
typedef struct problem {
    int64_t c, m, r, s, n, p, q;
    int64_t stride[2];
    int64_t dilation[2];
    int64_t pass;
} problem;

/* One product as a problem, and where it stands. */
typedef struct problem_item {
    problem problem;
    int32_t product;
    const char *name; /* of the file's stem; of the first of equal ones */
} problem_item;

/*
 * The rows and columns of a product's pixels. A strip's share that is no whole rows, as of the
 * gradient of a strided convolution, is one row.
 */
static void set_pixels(problem *made, int64_t pixels, int64_t width)
{
    const bool whole = pixels % width == 0;
    made->p = whole ? pixels / width : 1;
    made->q = whole ? width : pixels;
}

static problem problem_of(const gemm_run *item, const mbs_step *step)
{
    const mbs_gemm *gemm = &step->gemm;
    const mbs_conv *conv = &step->conv;
    problem made = {.r = 1,
                    .s = 1,
                    /* products of activations run once for each sample */
                    .n = gemm->samples_in_groups ? 1 : item->samples,
                    .q = 1,
                    .stride = {1, 1},
                    .dilation = {1, 1},
                    .pass = item->pass};
    const int64_t pixels =
        item->pass == PASS_WGRAD ? item->k : item->m; /* with rows: the strip's */
    if (conv->channels > 0) {
        made.c = conv->channels / gemm->groups;
        made.m = conv->filters / gemm->groups;
        made.r = conv->kernel[0];
        made.s = conv->kernel[1];
        made.p = conv->output[0];
        made.q = conv->output[1];
        if (item->rows > 0)
            set_pixels(&made, pixels, conv->output[1]);
        for (int i = 0; i < 2; i++) {
            /* what a stride passes over beside a kernel of one is no part of the problem */
            made.stride[i] = conv->kernel[i] == 1 ? 1 : conv->stride[i];
            made.dilation[i] = conv->kernel[i] == 1 ? 1 : conv->dilation[i];
        }
        return made;
    }
    made.m = item->pass == PASS_DGRAD ? gemm->k : gemm->n;
    made.c = item->pass == PASS_FORWARD ? gemm->k : item->pass == PASS_DGRAD ? gemm->n : gemm->m;
    made.p = item->pass == PASS_WGRAD ? gemm->k : gemm->m;
    if (item->rows > 0)
        made.p = pixels;
    return made;
}

/* By problem, equal ones in step order. */
static int by_problem(const void *a, const void *b)
{
    const problem_item *first = a;
    const problem_item *second = b;
    int order = memcmp(&first->problem, &second->problem, sizeof first->problem);
    return order != 0 ? order
                      : (first->product > second->product) - (first->product < second->product);
}

static int by_product(const void *a, const void *b)
{
    const problem_item *first = a;
    const problem_item *second = b;
    return (first->product > second->product) - (first->product < second->product);
}

static void write_space(text *out, const char *name, const char *projection, bool written,
                        bool legacy)
{
    text_format(out, "    - name: %s\n      projection:\n%s", name, projection);
    if (written)
        text_format(out, "      %s: True\n", legacy ? "read-write" : "read_write");
}

static void write_problem(text *out, const problem *of, bool legacy)
{
    text_string(out, "problem:\n");
    if (!legacy)
        text_string(out, "  version: 0.4\n");
    text_format(out, "  shape:\n    name: CNN_Layer\n    dimensions: [C, M, R, S, N, P, Q]\n");
    text_string(out, "    coefficients:\n");
    static const char *const names[] = {"Hstride", "Wstride", "Hdilation", "Wdilation"};
    for (int i = 0; i < 4; i++)
        text_format(out, "    - name: %s\n      default: 1\n", names[i]);
    text_string(out, legacy ? "    data-spaces:\n" : "    data_spaces:\n");
    write_space(out, "Weights", "      - [[C]]\n      - [[M]]\n      - [[R]]\n      - [[S]]\n",
                of->pass == PASS_WGRAD, legacy);
    write_space(out, "Inputs",
                "      - [[N]]\n      - [[C]]\n      - [[R, Hdilation], [P, Hstride]]\n"
                "      - [[S, Wdilation], [Q, Wstride]]\n",
                of->pass == PASS_DGRAD, legacy);
    write_space(out, "Outputs", "      - [[N]]\n      - [[M]]\n      - [[P]]\n      - [[Q]]\n",
                of->pass == PASS_FORWARD, legacy);
    text_format(out,
                "  instance:\n    C: %" PRId64 "\n    M: %" PRId64 "\n    R: %" PRId64
                "\n    S: %" PRId64 "\n    N: %" PRId64 "\n    P: %" PRId64 "\n    Q: %" PRId64
                "\n",
                of->c, of->m, of->r, of->s, of->n, of->p, of->q);
    text_format(out,
                "    Hstride: %" PRId64 "\n    Wstride: %" PRId64 "\n    Hdilation: %" PRId64
                "\n    Wdilation: %" PRId64 "\n",
                of->stride[0], of->stride[1], of->dilation[0], of->dilation[1]);
}

static mbs_status write_problem_file(exporter *e, const problem_item *item)
{
    char file[128];
    sink *out;
    text name = TEXT_INIT;
    text_format(&name, "%s.yaml", item->name);
    if (name.failed || name.length >= sizeof file) {
        text_free(&name);
        return error_memory(e->error);
    }
    memcpy(file, name.data, name.length + 1);
    text_free(&name);
    mbs_status status = folder_file(&out, e->folder, file, e->error);
    if (status != MBS_OK)
        return status;
    write_problem(sink_text(out), &item->problem, e->options->legacy_keys != 0);
    return sink_close(out, true, e->error);
}

/* Which problem each step is, and how often it runs. */
static mbs_status write_runs(exporter *e, const product_list *products, const problem_item *items)
{
    sink *out;
    mbs_status status = folder_file(&out, e->folder, "runs.csv", e->error);
    if (status != MBS_OK)
        return status;
    text_string(sink_text(out), "file,step,samples,runs,name,rows\n");
    for (int32_t i = 0; i < products->count && sink_flush(out); i++) {
        const gemm_run *item = &products->items[i];
        text_format(sink_text(out), "%s.yaml,%" PRId32 ",%" PRId64 ",%" PRId64 ",", items[i].name,
                    item->step, item->samples, item->runs);
        text_csv_field(sink_text(out), e->plan->program->steps[item->step].name);
        text_format(sink_text(out), ",%" PRId64 "\n", item->rows);
    }
    return sink_close(out, true, e->error);
}

/* A file for the first of equal problems, whose name the others take over. */
static mbs_status write_problems(exporter *e, const product_list *products, problem_item *items,
                                 safe_names *names)
{
    mbs_status status = MBS_OK;
    qsort(items, (size_t)products->count, sizeof *items, by_problem);
    for (int32_t i = 0; i < products->count && status == MBS_OK; i++) {
        const gemm_run *item = &products->items[items[i].product];
        if (i > 0 &&
            memcmp(&items[i].problem, &items[i - 1].problem, sizeof items[i].problem) == 0) {
            items[i].name = items[i - 1].name;
            continue;
        }
        char *name;
        status = product_name(&name, e->plan->program, item, e->error);
        if (status != MBS_OK)
            break;
        items[i].name = safe_names_add(names, name);
        mem_free(name);
        status = items[i].name == NULL ? error_memory(e->error) : write_problem_file(e, &items[i]);
    }
    qsort(items, (size_t)products->count, sizeof *items, by_product);
    return status;
}

mbs_status export_timeloop(exporter *e)
{
    product_list products;
    mbs_status status = product_list_create(&products, e->plan, e->error);
    safe_names *names = safe_names_create(products.count);
    problem_item *items = mem_calloc((size_t)products.count + 1, sizeof *items);
    if (status == MBS_OK && (names == NULL || items == NULL))
        status = error_memory(e->error);
    for (int32_t i = 0; i < products.count && status == MBS_OK; i++) {
        items[i].problem =
            problem_of(&products.items[i], &e->plan->program->steps[products.items[i].step]);
        items[i].product = i;
    }
    if (status == MBS_OK)
        status = write_problems(e, &products, items, names);
    if (status == MBS_OK)
        status = write_runs(e, &products, items);
    if (status == MBS_OK)
        status = safe_names_write(names, e->folder, e->error);
    safe_names_free(names);
    mem_free(items);
    mem_free(products.items);
    return status;
}
