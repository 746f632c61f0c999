/*
 * The daemon's log: to the journal with fields when standard error leads there, else as lines on
 * standard error, or to syslog(3) from the background. At most LOG_LINES_PER_SECOND lines a second;
 * what was left out is counted.
 *
 * errno survives every call here.
 */
#pragma once

#include "daemon/process/peer.h"

#include <syslog.h>

enum { LOG_LINES_PER_SECOND = 100 };

/* level: the least urgent syslog level that is still written. */
void log_open(int level);
/* How urgent it is that a request was refused with this errno: a warning where it is the machine
 * that is short of something, for others will meet it too; else it concerns who asked. */
int log_refusal_level(int error);
/* From now on to syslog: standard error is about to go. */
void log_to_syslog(void);

/* About the daemon, and about the peer of a session: "session 7 (echo_server, pid 312, uid 1000):
 * …". */
void log_daemon(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_session(int level, const Peer *peer, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
