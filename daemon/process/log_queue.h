/*
 * The log's queue: lines in order from whoever says them to the one thread that writes them, so
 * that nobody waits for a reader of the log. Its memory is fixed; who has room in it, say the
 * shares (log_shares.h). What was left out is said as soon as a second is over, by the thread if
 * nobody else says anything.
 *
 * Until the thread is started, and after it has ended, lines are written at once by who says them.
 *
 * Any thread may call these.
 */
#pragma once

#include "daemon/process/log_line.h"

enum {
        /* How long may be waited for the thread where the process ends or is replaced. */
        LOG_FLUSH_MS = 200,
};

/* Starts the thread, with all signals blocked. Where the process is aborted (a failed assertion,
 * the watchdog), it is given LOG_FLUSH_MS from then on to write what is there. 0 or -errno. */
int log_queue_start(void);
/* Puts a copy of it in, or counts it as left out. */
void log_queue_put(const LogLine *line);
/* How many lines were left out since the process began. */
uint64_t log_queue_left_out(void);
/* Waits until everything is written, for LOG_FLUSH_MS at most. Whether it is. */
bool log_queue_flush(void);
/* That, and ends the thread. One that cannot write any more is left to the end of the process. */
void log_queue_stop(void);
