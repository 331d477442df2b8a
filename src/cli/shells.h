/*
 * The help text's tables in the forms of man and of the shells. `commands` are all of the program,
 * ended by a null.
 */
#ifndef CLI_SHELLS_H
#define CLI_SHELLS_H

#include "command.h"

/* The man page of a command, or of the whole program if `of` is null. Returns the exit status. */
int print_manual(const command *const *commands, const command *of);

/* What completes the program's commands and options. Likewise. */
int print_bash_completion(const command *const *commands);
int print_zsh_completion(const command *const *commands);
int print_fish_completion(const command *const *commands);

#endif
