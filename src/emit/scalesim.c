/* Topologies and configuration of SCALE-Sim, versions 2 and 3. */
#include <inttypes.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "cost/array.h"
#include "emit/exporter.h"
#include "emit/products.h"
#include "emit/safe_names.h"
#include "hardware/bandwidth.h"

typedef struct topology {
    exporter *e;
    product_list products;
    const char **names; /* per product */
} topology;

/*
 * Whether SCALE-Sim's convolution can express the product: a forward one without dilation, with one
 * stride, whose sub-batch, one sample above the other, is no taller than an integer; or whole rows
 * of one.
 */
static bool is_conv(const topology *t, const gemm_run *item, int64_t *height)
{
    const mbs_conv *conv = &t->e->plan->program->steps[item->step].conv;
    int64_t rows = item->rows;
    if (item->pass != PASS_FORWARD || conv->channels == 0 || conv->stride[0] != conv->stride[1] ||
        conv->dilation[0] != 1 || conv->dilation[1] != 1)
        return false;
    *height = conv->kernel[0];
    if (rows > 0 && item->m != rows * conv->output[1])
        return false;
    return (rows > 0 || checked_mul(item->samples, conv->output[0], &rows)) &&
           checked_add_product(height, rows - 1, conv->stride[0]) && *height <= JSON_MAX_INTEGER;
}

static bool write_conv_row(sink *out, const topology *t, int32_t i)
{
    const gemm_run *item = &t->products.items[i];
    const mbs_step *step = &t->e->plan->program->steps[item->step];
    const mbs_conv *conv = &step->conv;
    int64_t height;
    if (!is_conv(t, item, &height))
        return true;
    /* no padding and no batch: the part of the padded input that is used, of all samples */
    const int64_t width = (conv->output[1] - 1) * conv->stride[1] + conv->kernel[1];
    text_format(
        sink_text(out),
        "%s,%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",\n",
        t->names[i], height, width, conv->kernel[0], conv->kernel[1],
        conv->channels / step->gemm.groups, conv->filters / step->gemm.groups, conv->stride[0]);
    return sink_flush(out);
}

static bool write_gemm_row(sink *out, const topology *t, int32_t i)
{
    const gemm_run *item = &t->products.items[i];
    text_format(sink_text(out), "%s,%" PRId64 ",%" PRId64 ",%" PRId64 ",\n", t->names[i], item->m,
                item->n, item->k);
    return sink_flush(out);
}

static bool write_run_row(sink *out, const topology *t, int32_t i)
{
    const gemm_run *item = &t->products.items[i];
    const mbs_gemm one = {.m = item->m, .k = item->k, .n = item->n, .groups = 1};
    mbs_hardware as_scalesim = *t->e->hardware;
    int64_t height;
    as_scalesim.cycle_model = MBS_CYCLES_SCALESIM;
    text_format(sink_text(out),
                "%s,%" PRId32 ",%" PRId64 ",%" PRId64 ",%s,%" PRId64 ",%" PRId64 ",%" PRId64
                ",%.0f,%" PRId64 "\n",
                t->names[i], item->step, item->samples, item->runs,
                is_conv(t, item, &height) ? "yes" : "no", item->m, item->n, item->k,
                array_cycles(&one, 1, &as_scalesim, true), item->rows);
    return sink_flush(out);
}

static mbs_status write_rows(topology *t, const char *file, const char *header,
                             bool (*write_row)(sink *out, const topology *t, int32_t i))
{
    sink *out;
    mbs_status status = folder_file(&out, t->e->folder, file, t->e->error);
    if (status != MBS_OK)
        return status;
    text_string(sink_text(out), header);
    for (int32_t i = 0; i < t->products.count; i++)
        if (!write_row(out, t, i))
            break;
    return sink_close(out, true, t->e->error);
}

/* Version 2 passes over the sections and members that only version 3 knows. */
static mbs_status write_config(topology *t)
{
    const mbs_hardware *hardware = t->e->hardware;
    const int64_t third_kib = max_i64(1, t->e->plan->buffer_bytes / 3 / 1024);
    /* words per cycle at the core's share of the memory's bandwidth */
    const double bytes_per_cycle = hardware_core_bytes_per_s(hardware) / (double)hardware->clock_hz;
    const int64_t words =
        max_i64(1, (int64_t)(8 * bytes_per_cycle / (double)hardware->bits.activation));
    sink *out;
    mbs_status status = folder_file(&out, t->e->folder, "scalesim.cfg", t->e->error);
    if (status != MBS_OK)
        return status;
    text *to = sink_text(out);
    text_string(to, "[general]\nrun_name = mbsopt\n\n[architecture_presets]\n");
    text_format(to, "ArrayHeight: %" PRId64 "\nArrayWidth: %" PRId64 "\n", hardware->array_rows,
                hardware->array_cols);
    text_format(
        to, "IfmapSramSzkB: %" PRId64 "\nFilterSramSzkB: %" PRId64 "\nOfmapSramSzkB: %" PRId64 "\n",
        third_kib, third_kib, third_kib);
    text_string(to, "IfmapOffset: 0\nFilterOffset: 10000000\nOfmapOffset: 20000000\n");
    text_format(to, "Bandwidth: %" PRId64 "\nDataflow: ws\nMemoryBanks: 1\n", words);
    text_string(to, "ReadRequestBuffer: 32\nWriteRequestBuffer: 32\n\n"
                    "[layout]\nIfmapCustomLayout: False\nIfmapSRAMBankBandwidth: 10\n"
                    "IfmapSRAMBankNum: 10\nIfmapSRAMBankPort: 2\nFilterCustomLayout: False\n"
                    "FilterSRAMBankBandwidth: 10\nFilterSRAMBankNum: 10\nFilterSRAMBankPort: 2\n\n"
                    "[sparsity]\nSparsitySupport: false\nSparseRep: ellpack_block\n"
                    "OptimizedMapping: false\nBlockSize: 8\nRandomNumberGeneratorSeed: 40\n\n"
                    "[run_presets]\nInterfaceBandwidth: CALC\nUseRamulatorTrace: False\n");
    return sink_close(out, true, t->e->error);
}

static mbs_status write_files(topology *t, const safe_names *names)
{
    mbs_status status = write_rows(t, "conv.csv",
                                   "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter "
                                   "Width, Channels, Num Filter, Strides,\n",
                                   write_conv_row);
    if (status == MBS_OK)
        status = write_rows(t, "gemm.csv", "Layer, M, N, K,\n", write_gemm_row);
    if (status == MBS_OK)
        status = write_rows(t, "runs.csv", "name,step,samples,runs,in_conv,m,n,k,cycles,rows\n",
                            write_run_row);
    if (status == MBS_OK)
        status = write_config(t);
    return status == MBS_OK ? safe_names_write(names, t->e->folder, t->e->error) : status;
}

/* A name per row: the step's, and how many samples or rows. */
static mbs_status name_products(topology *t, safe_names *names)
{
    for (int32_t i = 0; i < t->products.count; i++) {
        char *name;
        mbs_status status =
            product_name(&name, t->e->plan->program, &t->products.items[i], t->e->error);
        if (status != MBS_OK)
            return status;
        t->names[i] = safe_names_add(names, name);
        mem_free(name);
        if (t->names[i] == NULL)
            return error_memory(t->e->error);
    }
    return MBS_OK;
}

mbs_status export_scalesim(exporter *e)
{
    topology t = {.e = e};
    mbs_status status = product_list_create(&t.products, e->plan, e->error);
    safe_names *names = safe_names_create(t.products.count);
    t.names = mem_calloc((size_t)t.products.count + 1, sizeof *t.names);
    if (status == MBS_OK && (names == NULL || t.names == NULL))
        status = error_memory(e->error);
    if (status == MBS_OK)
        status = name_products(&t, names);
    if (status == MBS_OK)
        status = write_files(&t, names);
    safe_names_free(names);
    mem_free(t.names);
    mem_free(t.products.items);
    return status;
}
