/* mbsopt help [COMMAND|terms] */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "glossary.h"
#include "options.h"
#include "output.h"
#include "shells.h"
#include "table.h"

#define NARROWEST_HELP 60 /* for two columns */

/* Help reads badly in long lines, however wide the terminal. */
static void begin_help(page *onto)
{
    const int width = output_width(NULL);
    page_begin(onto, width < 0 || width > HELP_WIDTH ? HELP_WIDTH : width);
    onto->indent = 0;
}

/* Bytes that take no column of their own on a terminal, in UTF-8. */
static int continuation_bytes(const char *text)
{
    int count = 0;
    for (; *text != '\0'; text++)
        count += ((unsigned char)*text & 0xC0) == 0x80;
    return count;
}

static void put_overview(FILE *out, const command *const *commands)
{
    fprintf(out,
            "mbsopt %s: plans how an accelerator that trains CNNs moves its data\n\n"
            "usage: mbsopt COMMAND [OPTION…] ARGUMENT\n\n",
            mbs_version());
    for (size_t i = 0; commands[i] != NULL; i++) {
        char call[32];
        snprintf(call, sizeof call, "%s %s", commands[i]->name, commands[i]->operand);
        fprintf(out, "  %-*s  %s\n", 14 + continuation_bytes(call), call, commands[i]->summary);
    }
    fprintf(out, "  %-14s  %s\n", "--version", "print the version");
    fprintf(out,
            "\nexample: mbsopt plan resnet50 --buffer 10MiB\n"
            "\"mbsopt help COMMAND\" explains a command and its options, \"mbsopt help terms\" the "
            "words.\n\n"
            "exit status: 0 ok, 1 bad input, 2 wrong usage, 3 no plan exists, 4 verification "
            "failed, 5 system error (file, memory)\n");
}

static int print_overview(const command *const *commands)
{
    page onto;
    begin_help(&onto);
    if (onto.out != NULL)
        put_overview(onto.out, commands);
    return page_print(&onto);
}

/* In two columns, or where these would be too narrow one below the other. */
static void put_option(const page *onto, const option_spec *option)
{
    char call[64];
    char letter[] = {'-', option->letter, ',', ' ', '\0'};
    snprintf(call, sizeof call, "%s--%s%s%s", option->letter != '\0' ? letter : "", option->name,
             option->value != NULL ? " " : "", option->value != NULL ? option->value : "");
    if (onto->width < NARROWEST_HELP)
        fprintf(onto->out, "  %s\n      %s\n", call, option->help);
    else
        fprintf(onto->out, "  %-27s  %s\n", call, option->help);
}

/* Details, whose lines are those of the source, as one paragraph, and what is indented as it is. */
static void put_paragraph(FILE *out, const char *text)
{
    for (; *text != '\0'; text++)
        fputc(*text == '\n' && text[1] != '\0' && text[1] != ' ' ? ' ' : *text, out);
}

static void put_command(const page *onto, const command *of)
{
    FILE *out = onto->out;
    fprintf(out, "usage: mbsopt %s %s%s\n\n", of->name, of->option_count > 0 ? "[OPTION…] " : "",
            of->operand);
    put_paragraph(out, of->details);
    fprintf(out, "\noptions:\n");
    for (size_t i = 0; i < of->option_count; i++)
        put_option(onto, &of->options[i]);
    for (size_t i = 0; i < common_option_count; i++)
        put_option(onto, &common_options[i]);
    if (of->examples != NULL)
        fprintf(out, "\nexamples:\n%s", of->examples);
    if (of->takes_networks)
        fprintf(out,
                "\n\"mbsopt help terms\" explains sub-batch, staged, pinned, strips and so on.\n");
}

int print_command_help(const command *of)
{
    page onto;
    begin_help(&onto);
    if (onto.out != NULL)
        put_command(&onto, of);
    return page_print(&onto);
}

static int print_terms(void)
{
    page onto;
    begin_help(&onto);
    for (size_t i = 0; onto.out != NULL && i < glossary_count; i++)
        fprintf(onto.out, "%-11s  %s\n", glossary[i].term, glossary[i].meaning);
    return page_print(&onto);
}

static int run_help(const arguments *given)
{
    static const char *const formats[] = {"text", "man", "bash", "zsh", "fish", NULL};
    enum { TEXT, MAN, BASH, ZSH, FISH };
    size_t format;
    if (!option_choice(given, "format", formats, &format))
        return EXIT_USAGE;
    const command *of =
        given->operand != NULL ? find_command(given->commands, given->operand) : NULL;
    if (of == NULL && given->operand != NULL && strcmp(given->operand, "terms") == 0 &&
        format == TEXT)
        return print_terms();
    if (given->operand != NULL && of == NULL)
        return unknown_command(given->commands, given->operand);
    if (format == MAN)
        return print_manual(given->commands, of);
    if (format == TEXT)
        return of != NULL ? print_command_help(of) : print_overview(given->commands);
    if (of != NULL) {
        complain("--format %s is of the whole program, not of one command", formats[format]);
        return EXIT_USAGE;
    }
    if (format == BASH)
        return print_bash_completion(given->commands);
    return format == ZSH ? print_zsh_completion(given->commands)
                         : print_fish_completion(given->commands);
}

static const option_spec help_options[] = {
    {"format", '\0', "text|man|bash|zsh|fish", "as text, a man page, or a shell's completion"},
};

const command command_help = {
    .name = "help",
    .operand = "[COMMAND]",
    .summary = "explain mbsopt or one of its commands",
    .details = "Without COMMAND, lists the commands and the exit statuses. \"mbsopt help terms\"\n"
               "explains the words of tables and options.\n",
    .options = help_options,
    .option_count = sizeof help_options / sizeof help_options[0],
    .run = run_help,
};
