/* A command by its name; `commands` is a list of them, ended by a null. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "command.h"

/* The command of that name, or null. */
const command *find_command(const command *const *commands, const char *name);

/* Says that there is no such command; returns EXIT_USAGE. */
int unknown_command(const command *const *commands, const char *name);

#endif
