/* mbsopt show NET */

#include "command.h"
#include "import.h"
#include "options.h"
#include "output.h"
#include "setup.h"

static int write_table(const setup *of)
{
    char *output = NULL;
    mbs_error error;
    mbs_error_clear(&error);
    mbs_status status = mbs_report_network_table(&output, of->network, of->program, &of->hardware,
                                                 of->batch, of->color, &error);
    if (status != MBS_OK)
        return report_error(status, &error);
    int result = write_output(of->output, output);
    mbs_free(output);
    return result;
}

static int run_show(const arguments *given)
{
    setup loaded;
    int status = setup_options(&loaded, given);
    if (status == EXIT_OK)
        status = setup_load(&loaded, given);
    if (status == EXIT_OK)
        status = write_table(&loaded);
    setup_free(&loaded);
    return status;
}

static const option_spec show_options[] = {
    OPTION_BUFFER, OPTION_BATCH,  OPTION_INFERENCE, OPTION_BATCH_NORM, OPTION_HARDWARE,
    OPTION_INPUT,  OPTION_OPAQUE, OPTION_OUTPUT,    OPTION_COLOR,
};

const command command_show = {
    .name = "show",
    .operand = "NET",
    .operand_required = 1,
    .summary = "list a network's layers and what each needs of the buffer",
    .details =
        "Lists the layers of the network file NET (- is standard input; an ONNX model is\n"
        "imported) in the order they run: output shape, parameters, output bytes per sample, and\n"
        "the smallest number of iterations in which the layer's steps fit the buffer, each alone\n"
        "with its operands staged (\"passes\": not even one sample fits). A SIZE is 10MiB, 10MB,\n"
        "512KiB or a number of bytes.\n",
    .options = show_options,
    .option_count = sizeof show_options / sizeof show_options[0],
    .run = run_show,
};
