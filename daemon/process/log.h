/*
 * The daemon's log: to the journal with fields when standard error leads there, else as lines on
 * standard error, or to syslog(3) from the background. Whoever logs never waits for who reads it
 * (log_queue.h), and nobody's lines take another's room (log_shares.h): what was left out is
 * counted and said.
 *
 * Whatever others brought into a line, one stays one and says who is meant at its beginning: what
 * is not printable ASCII is escaped, and nothing in it looks like a session's name.
 *
 * errno survives every call here.
 */
#pragma once

#include "daemon/process/peer.h"

#include <stdbool.h>
#include <syslog.h>

/* level: the least urgent syslog level that is still written. */
void log_open(int level);
/* From now on a thread writes; before there is a loop, and in the process that is to serve. 0 or
 * -errno. */
int log_start(void);
/* Has everything written, if that goes quickly: this program is about to be replaced. false: that
 * would wait, too, for the file that is written to and does not answer. */
bool log_flush(void);
/* That, and ends the thread. */
void log_stop(void);

/* How urgent it is that a request was refused with this errno: a warning where it is the machine
 * that is short of something, for others will meet it too; else it concerns who asked. */
int log_refusal_level(int error);
/* From now on to syslog: standard error is about to go. */
void log_to_syslog(void);

/* About the daemon; about what a user brought about, with that user's room in the log; and about
 * the peer of a session: "session 7 (echo_server, pid 312, uid 1000): …". */
void log_daemon(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_user(int level, uid_t uid, const char *format, ...) __attribute__((format(printf, 3, 4)));
void log_session(int level, const Peer *peer, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
