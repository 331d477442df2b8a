/* mbsopt list [networks|hardware] */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "fields.h"
#include "options.h"
#include "output.h"
#include "shipped.h"
#include "table.h"

/* "3x224x224", one for each input; the first 15 inputs. */
static void put_inputs(table *rows, const mbs_network *network)
{
    char cell[1024] = "";
    size_t used = 0;
    for (size_t i = 0; i < mbs_network_input_count(network) && i < 15; i++) {
        mbs_input_info input = {0};
        mbs_network_input(network, i, &input);
        for (int d = 0; d < input.shape.rank; d++)
            used += (size_t)snprintf(cell + used, sizeof cell - used, "%s%" PRId64,
                                     d > 0   ? "x"
                                     : i > 0 ? ", "
                                             : "",
                                     input.shape.dim[d]);
    }
    table_cell(rows, "%s", cell);
}

static int put_network(table *rows, const char *path)
{
    mbs_network *network = NULL;
    mbs_error error;
    mbs_error_clear(&error);
    int status = report_error(mbs_network_load_file(&network, path, &error), &error);
    if (status == EXIT_OK) {
        table_cell(rows, "%zu", mbs_network_layer_count(network));
        table_cell(rows, "%" PRId64, mbs_network_parameters(network));
        put_inputs(rows, network);
    }
    mbs_network_free(network);
    return status;
}

static int put_machine(table *rows, const char *path)
{
    mbs_hardware hardware;
    mbs_error error;
    mbs_error_clear(&error);
    int status = report_error(mbs_hardware_load_file(&hardware, path, &error), &error);
    if (status != EXIT_OK)
        return status;
    table_cell(rows, "%s", hardware.memory_name);
    table_cell(rows, "%s", field_fixed((double)hardware.bandwidth_bytes_per_s / 1e9, 1, "").text);
    table_cell(rows, "%" PRId64, hardware.cores);
    table_cell(rows, "%" PRId64 "x%" PRId64, hardware.array_rows, hardware.array_cols);
    table_cell(rows, "%s", field_space(hardware.buffer_bytes).text);
    return status;
}

/* A row for each; a file that is not good has nothing but its name, and the status says so. */
static int put_rows(table *rows, const shipped_names *list, shipped_kind kind)
{
    int result = EXIT_OK;
    for (size_t i = 0; i < list->count && result != EXIT_SYSTEM; i++) {
        char path[SHARE_PATH_BYTES + 300]; /* a file's name has at most 255 bytes */
        snprintf(path, sizeof path, "%s/%s.json", list->folder, list->names[i]);
        table_cell(rows, "%s", list->names[i]);
        const int status =
            kind == SHIPPED_NETWORK ? put_network(rows, path) : put_machine(rows, path);
        result = status != EXIT_OK ? status : result;
        while (rows->count % rows->column_count != 0 && !rows->failed)
            table_cell(rows, "%s", "");
    }
    return result;
}

static int put_kind(page *onto, shipped_kind kind, const char *title, bool names_only)
{
    static const mbs_table_column of_networks[] = {
        {{"", "network"}, 0, 1, 0, NULL},
        {{"", "layers"}, 1, 0, 2, NULL},
        {{"", "parameters"}, 1, 0, 0, NULL},
        {{"", "input"}, 0, 1, 1, NULL},
    };
    static const mbs_table_column of_machines[] = {
        {{"", "machine"}, 0, 1, 0, NULL},        {{"", "memory"}, 0, 1, 2, NULL},
        {{"DRAM", "GB/s"}, 1, 0, 0, NULL},       {{"", "cores"}, 1, 0, 3, NULL},
        {{"array of", "a core"}, 1, 0, 4, NULL}, {{"buffer of", "a core"}, 1, 0, 1, NULL},
    };
    shipped_names list;
    table rows;
    int result = shipped_list(&list, kind);
    for (size_t i = 0; i < list.count && names_only; i++) {
        put_safe(onto->out, list.names[i]);
        fputc('\n', onto->out);
    }
    if (!names_only && result == EXIT_OK) {
        fprintf(onto->out, "%s in ", title);
        put_safe(onto->out, list.folder);
        fprintf(onto->out, ":\n\n");
        if (kind == SHIPPED_NETWORK)
            table_start(&rows, of_networks, sizeof of_networks / sizeof of_networks[0]);
        else
            table_start(&rows, of_machines, sizeof of_machines / sizeof of_machines[0]);
        result = put_rows(&rows, &list, kind);
        table_put(&rows, onto);
    }
    shipped_free(&list);
    return result;
}

static int put_lists(page *onto, const char *kind, bool names)
{
    int status = EXIT_OK;
    if (kind == NULL || strcmp(kind, "networks") == 0)
        status = put_kind(onto, SHIPPED_NETWORK, "networks", names);
    if (kind == NULL && !names && status == EXIT_OK)
        fputc('\n', onto->out);
    if ((kind == NULL || strcmp(kind, "hardware") == 0) && status == EXIT_OK)
        status = put_kind(onto, SHIPPED_MACHINE, "machines, for --hardware,", names);
    return status;
}

static int run_list(const arguments *given)
{
    const char *kind = given->operand;
    page onto;
    if (kind != NULL && strcmp(kind, "networks") != 0 && strcmp(kind, "hardware") != 0) {
        complain("list %s: expected networks or hardware", kind);
        return EXIT_USAGE;
    }
    const bool names = option_flag(given, "names");
    page_begin(&onto, names ? -1 : output_width(NULL)); /* names alone are for programs */
    int status = onto.out != NULL ? put_lists(&onto, kind, names) : EXIT_OK;
    const int written = page_print(&onto);
    return status != EXIT_OK ? status : written;
}

static const option_spec list_options[] = {
    {"names", '\0', NULL, "the names alone"},
};

const command command_list = {
    .name = "list",
    .operand = "[KIND]",
    .operand_words = "networks hardware",
    .summary = "list the networks and machines that come with mbsopt",
    .details =
        "Lists the networks (layers, parameters, input) and the machines (memory, bandwidth, "
        "cores,\n"
        "buffer) that come with mbsopt, or those of one KIND: networks or hardware. Wherever a\n"
        "network file or --hardware is given, these names will do, of a machine also what follows\n"
        "its \"-\": lpddr4. A file of that name, or NAME.json, in the folder at hand comes first.\n"
        "They are looked for in the folder that MBSOPT_DATA names, in the one installed with the\n"
        "program, and in the source tree that it was built from.\n",
    .examples = "  mbsopt plan resnet50 --hardware lpddr4\n"
                "      plans a network that comes with mbsopt for a machine that does\n",
    .options = list_options,
    .option_count = sizeof list_options / sizeof list_options[0],
    .run = run_list,
};
