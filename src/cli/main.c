/* The program's way in: finds the command and hands over. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "alive.h"
#include "commands.h"
#include "options.h"
#include "output.h"

/* In the order of the help. */
static const command *const all_commands[] = {
    &command_plan,  &command_explain, &command_report,   &command_compare,
    &command_sweep, &command_advise,  &command_tradeoff, &command_verify,
    &command_show,  &command_list,    &command_simulate, &command_export,
    &command_plot,  &command_place,   &command_help,     NULL};

/*
 * A standard stream that was closed would hand its number to the next file opened, and messages
 * would end up in that file. Opened the wrong way round, its use fails instead.
 */
static void keep_standard_streams(void)
{
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++) {
        if (fcntl(stream, F_GETFD) < 0 &&
            open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
            return;
    }
}

static int print_version(int extra, char *const *words)
{
    if (extra > 0) {
        complain("--version: unexpected argument %s", words[0]);
        return EXIT_USAGE;
    }
    printf("mbsopt %s\n", mbs_version());
    return finish_output();
}

static int run_command(const command *chosen, const arguments *given)
{
    if (!messages_are_json())
        alive_allow();
    alive_stage(chosen->name);
    int status = chosen->run(given);
    alive_end();
    return status;
}

static int run(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json-errors") == 0)
            messages_as_json(); /* even of what is wrong with the words before it */
    if (argc < 2) {
        complain("a command is missing; see: mbsopt help");
        return EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--version") == 0)
        return print_version(argc - 2, argv + 2);
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = command_help.name;
    const command *chosen = find_command(all_commands, name);
    if (chosen == NULL)
        return unknown_command(all_commands, name);
    arguments given;
    int status = options_parse(&given, chosen, argc - 2, argv + 2);
    given.commands = all_commands;
    given.program = argv[0];
    if (status == EXIT_OK)
        status = given.help ? print_command_help(chosen) : run_command(chosen, &given);
    options_free(&given);
    return status;
}

int main(int argc, char **argv)
{
    keep_standard_streams();
    messages_end_with_pipe();
    int status = run(argc, argv);
    if (status == EXIT_SYSTEM)
        end_with_pipe();
    return status;
}
