/*
 * Where the log's lines go: to the journal with fields when standard error leads there, else as
 * lines on standard error, or to syslog(3) from the background. Each may wait for whoever reads it.
 */
#pragma once

#include "daemon/process/log_line.h"

#include <stdbool.h>

/* Finds out where standard error leads. */
void log_output_open(void);
/* Whether lines go to a file: while one is written that does not answer, this process cannot be
 * replaced. Whoever else does not read can be left. */
bool log_output_is_file(void);
/* From now on to syslog. */
void log_output_to_syslog(void);

/* Writes a whole line. What cannot be written is lost: there is nowhere to say so. */
void log_output_write(const LogLine *line);
