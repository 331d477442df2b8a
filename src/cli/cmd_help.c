/* mbsopt help [COMMAND] */
#include <stdio.h>

#include "commands.h"
#include "options.h"
#include "output.h"
#include "shells.h"

/* Bytes that take no column of their own on a terminal, in UTF-8. */
static int continuation_bytes(const char *text)
{
    int count = 0;
    for (; *text != '\0'; text++)
        count += ((unsigned char)*text & 0xC0) == 0x80;
    return count;
}

static int print_overview(const command *const *commands)
{
    printf("mbsopt %s: plans how an accelerator that trains CNNs moves its data\n\n"
           "usage: mbsopt COMMAND [OPTION…] ARGUMENT\n\n",
           mbs_version());
    for (size_t i = 0; commands[i] != NULL; i++) {
        char call[32];
        snprintf(call, sizeof call, "%s %s", commands[i]->name, commands[i]->operand);
        printf("  %-*s %s\n", 15 + continuation_bytes(call), call, commands[i]->summary);
    }
    printf("  %-15s %s\n", "--version", "print the version");
    printf("\nexample: mbsopt plan models/networks/resnet50.json --buffer 10MiB\n"
           "\"mbsopt help COMMAND\" explains a command and its options.\n\n"
           "exit status: 0 ok, 1 bad input, 2 wrong usage, 3 no plan exists,\n"
           "             4 verification failed, 5 system error (file, memory)\n");
    return finish_output();
}

static void print_option(const option_spec *option)
{
    char call[64];
    char letter[] = {'-', option->letter, ',', ' ', '\0'};
    snprintf(call, sizeof call, "%s--%s%s%s", option->letter != '\0' ? letter : "", option->name,
             option->value != NULL ? " " : "", option->value != NULL ? option->value : "");
    printf("  %-28s %s\n", call, option->help);
}

int print_command_help(const command *of)
{
    printf("usage: mbsopt %s %s%s\n\n%s\noptions:\n", of->name,
           of->option_count > 0 ? "[OPTION…] " : "", of->operand, of->details);
    for (size_t i = 0; i < of->option_count; i++)
        print_option(&of->options[i]);
    for (size_t i = 0; i < common_option_count; i++)
        print_option(&common_options[i]);
    if (of->examples != NULL)
        printf("\nexamples:\n%s", of->examples);
    return finish_output();
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
    .details = "Without COMMAND, lists the commands and the exit statuses.\n",
    .options = help_options,
    .option_count = sizeof help_options / sizeof help_options[0],
    .run = run_help,
};
