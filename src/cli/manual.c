/* Man pages. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "glossary.h"
#include "options.h"
#include "output.h"
#include "shells.h"

/* Text of ours as roff shows it: dashes stay dashes. It has nothing else that roff takes for its
 * own. */
static void put_roff(const char *text)
{
    int at_start = 1;
    for (; *text != '\0'; text++) {
        assert(*text != '\\' && !(at_start && (*text == '.' || *text == '\'')));
        at_start = *text == '\n';
        if (*text == '-')
            fputs("\\-", stdout);
        else
            fputc(*text, stdout);
    }
}

static void put_title(const char *name)
{
    printf(".TH ");
    put_roff(name);
    printf(" 1 \"\" \"mbsopt %s\" \"User Commands\"\n", mbs_version());
}

static void put_option(const option_spec *option)
{
    printf(".TP\n");
    if (option->letter != '\0')
        printf("\\fB\\-%c\\fR, ", option->letter);
    printf("\\fB\\-\\-");
    put_roff(option->name);
    printf("\\fR");
    if (option->value != NULL) {
        printf(" \\fI");
        put_roff(option->value);
        printf("\\fR");
    }
    printf("\n");
    put_roff(option->help);
    printf("\n");
}

static void put_exit_statuses(void)
{
    static const char *const meanings[] = {
        [EXIT_OK] = "Success.",
        [EXIT_BAD_INPUT] = "Bad input: a file's contents, a batch or buffer out of range.",
        [EXIT_USAGE] = "Wrong usage: an unknown command, option or planner, a missing argument.",
        [EXIT_NO_PLAN] = "No plan exists.",
        [EXIT_VERIFICATION] = "Verification failed.",
        [EXIT_SYSTEM] = "System error: a file cannot be read or written, memory is out.",
    };
    printf(".SH EXIT STATUS\n");
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
        printf(".TP\n%zu\n%s\n", i, meanings[i]);
}

static void put_terms(void)
{
    printf(".SH TERMS\n");
    for (size_t i = 0; i < glossary_count; i++) {
        printf(".TP\n");
        put_roff(glossary[i].term);
        printf("\n");
        put_roff(glossary[i].meaning);
        printf("\n");
    }
}

static int print_overview_manual(const command *const *commands)
{
    put_title("MBSOPT");
    printf(".SH NAME\nmbsopt \\- plan how an accelerator that trains CNNs moves its data\n"
           ".SH SYNOPSIS\n.B mbsopt\n.I COMMAND\n[\\fIOPTION\\fR...] \\fIARGUMENT\\fR\n"
           ".SH DESCRIPTION\n"
           "Cuts a training step into groups of layers and the mini\\-batch into sub\\-batches, so "
           "that\nwhat layers hand on stays in the on\\-chip buffer, and says to the byte what is "
           "moved\nfrom and to DRAM.\n.SH COMMANDS\n");
    for (size_t i = 0; commands[i] != NULL; i++) {
        printf(".TP\n\\fB%s\\fR \\fI%s\\fR\n", commands[i]->name, commands[i]->operand);
        put_roff(commands[i]->summary);
        printf("\n");
    }
    printf(".SH OPTIONS\nOf every command:\n");
    for (size_t i = 0; i < common_option_count; i++)
        put_option(&common_options[i]);
    printf(".TP\n\\fB\\-\\-version\\fR\nprint the version (in place of a command)\n");
    put_exit_statuses();
    put_terms();
    printf(
        ".SH ENVIRONMENT\n.TP\nCOLUMNS\nThe width that tables fit where standard output is no "
        "terminal.\n.TP\nNO_COLOR\nIf set and not empty, tables have no colours.\n"
        ".TP\nMBSOPT_DATA\nThe folder with the networks (networks/) and machines (hardware/) that "
        "names of\n\\fBmbsopt list\\fR stand for.\n"
        ".TP\nMBSOPT_IMPORTER, MBSOPT_PYTHON\nThe script that imports ONNX models, and the Python "
        "that runs it.\n"
        ".SH SEE ALSO\n");
    for (size_t i = 0; commands[i] != NULL; i++)
        if (strcmp(commands[i]->name, "help") != 0)
            printf("\\fBmbsopt\\-%s\\fR(1),\n", commands[i]->name);
    printf("\\fBmbsopt\\fR(3)\n");
    return finish_output();
}

int print_manual(const command *const *commands, const command *of)
{
    if (of == NULL)
        return print_overview_manual(commands);
    char name[64];
    snprintf(name, sizeof name, "MBSOPT-%s", of->name);
    for (char *at = name; *at != '\0'; at++)
        if (*at >= 'a' && *at <= 'z')
            *at = (char)(*at - 'a' + 'A');
    put_title(name);
    printf(".SH NAME\nmbsopt\\-%s \\- ", of->name);
    put_roff(of->summary);
    printf("\n.SH SYNOPSIS\n\\fBmbsopt %s\\fR [\\fIOPTION\\fR...] \\fI", of->name);
    put_roff(of->operand);
    printf("\\fR\n.SH DESCRIPTION\n");
    put_roff(of->details);
    printf(".SH OPTIONS\n");
    for (size_t i = 0; i < of->option_count; i++)
        put_option(&of->options[i]);
    for (size_t i = 0; i < common_option_count; i++)
        put_option(&common_options[i]);
    if (of->examples != NULL) {
        printf(".SH EXAMPLES\n.nf\n");
        put_roff(of->examples);
        printf(".fi\n");
    }
    put_exit_statuses();
    printf(".SH SEE ALSO\n\\fBmbsopt\\fR(1)\n");
    return finish_output();
}
