#ifndef FTF_CLI_COMMANDS_H
#define FTF_CLI_COMMANDS_H
/*
 * The commands of `ftfuzz`, one file each (cmd_<name>.c), from the table commands.def. A command gets its own arguments
 * (argv[0] is its name) and returns what the process exits with:
 *
 *     0 clean    1 findings    2 usage or set-up, one line on stderr says what to do    3 a bug of ours
 */
#include "base/status.h"

#define FTF_COMMAND(name, operand, summary) int ftf_command_##name(int argc, char **argv);
#include "cli/commands.def"
#undef FTF_COMMAND

/* Prints `ftfuzz: error: <text>` and returns the exit code of err. */
int ftf_command_fail(const ftf_error *err);

#endif
