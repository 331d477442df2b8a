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

/* "3x224x224", one for each input. */
static void print_inputs(const mbs_network *network)
{
    for (size_t i = 0; i < mbs_network_input_count(network); i++) {
        mbs_input_info input = {0};
        mbs_network_input(network, i, &input);
        for (int d = 0; d < input.shape.rank; d++)
            printf("%s%" PRId64, d > 0 ? "x" : i > 0 ? ", " : "", input.shape.dim[d]);
    }
}

static int print_network(const char *path)
{
    mbs_network *network = NULL;
    mbs_error error;
    mbs_error_clear(&error);
    int status = report_error(mbs_network_load_file(&network, path, &error), &error);
    if (status == EXIT_OK) {
        printf("%5zu layers  %10" PRId64 " parameters  input ", mbs_network_layer_count(network),
               mbs_network_parameters(network));
        print_inputs(network);
    }
    mbs_network_free(network);
    return status;
}

static int print_machine(const char *path)
{
    mbs_hardware hardware;
    mbs_error error;
    mbs_error_clear(&error);
    int status = report_error(mbs_hardware_load_file(&hardware, path, &error), &error);
    if (status != EXIT_OK)
        return status;
    put_safe(stdout, hardware.memory_name);
    printf("%*s", (int)(strlen(hardware.memory_name) < 8 ? 8 - strlen(hardware.memory_name) : 0),
           "");
    printf("  %s  ", field_fixed((double)hardware.bandwidth_bytes_per_s / 1e9, 1, " GB/s").text);
    printf("%" PRId64 " %s of %" PRId64 "x%" PRId64 ", ", hardware.cores,
           hardware.cores == 1 ? "core" : "cores", hardware.array_rows, hardware.array_cols);
    put_space(stdout, hardware.buffer_bytes);
    printf(" buffer each");
    return status;
}

/* A line for each; a file that is not good costs its line, and the status says so. */
static int print_kind(shipped_kind kind, const char *title, bool names_only)
{
    shipped_names list;
    size_t width = 0;
    int result = shipped_list(&list, kind);
    for (size_t i = 0; i < list.count; i++)
        width = strlen(list.names[i]) > width ? strlen(list.names[i]) : width;
    if (!names_only && result == EXIT_OK) {
        printf("%s in ", title);
        put_safe(stdout, list.folder);
        printf(":\n");
    }
    for (size_t i = 0; i < list.count && result != EXIT_SYSTEM; i++) {
        char path[SHARE_PATH_BYTES + 300]; /* a file's name has at most 255 bytes */
        snprintf(path, sizeof path, "%s/%s.json", list.folder, list.names[i]);
        if (!names_only)
            printf("  ");
        put_safe(stdout, list.names[i]);
        if (!names_only) {
            printf("%*s  ", (int)(width - strlen(list.names[i])), "");
            int status = kind == SHIPPED_NETWORK ? print_network(path) : print_machine(path);
            result = status != EXIT_OK ? status : result;
        }
        printf("\n");
    }
    shipped_free(&list);
    return result;
}

static int run_list(const arguments *given)
{
    const bool names = option_flag(given, "names");
    const char *kind = given->operand;
    const bool networks = kind == NULL || strcmp(kind, "networks") == 0;
    const bool hardware = kind == NULL || strcmp(kind, "hardware") == 0;
    int status = EXIT_OK;
    if (!networks && !hardware) {
        complain("list %s: expected networks or hardware", kind);
        return EXIT_USAGE;
    }
    if (networks)
        status = print_kind(SHIPPED_NETWORK, "networks", names);
    if (networks && hardware && !names && status == EXIT_OK)
        printf("\n");
    if (hardware && status == EXIT_OK)
        status = print_kind(SHIPPED_MACHINE, "machines, for --hardware,", names);
    int written = finish_output();
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
