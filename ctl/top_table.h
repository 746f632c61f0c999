/*
 * The rows of kyronctl top, for people and for programs.
 */
#pragma once

#include "ctl/output.h"
#include "ctl/top_rows.h"

/* Fills in a table of them, as kyronctl(1) says. output_list_close() is allowed after a failure,
 * too. */
ExitCode top_table_list(const TopRows *rows, OutputList *list, const CommandLine *command_line);
/* The same as an array; NULL: no memory. */
json_t *top_table_array(TopRows *rows, const WaitView *view);
