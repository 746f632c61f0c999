/*
 * Connections of echo_server's: each sends back what it receives until its client has gone, and
 * frees itself then.
 *
 * One that is kept on death goes on in another server where this one was killed, with not a byte
 * lost or sent twice. So it leaves what it reads in the kernel until it has sent it back: peek,
 * write, and only then read what was written. A server killed before the write has changed nothing;
 * killed after it, the kernel's counts of both directions say how much was sent back and is still
 * to be read, and the next server skips that.
 */
#pragma once

#include <kyron.h>
#include <stdbool.h>

/* Takes over whichever stream is not NULL. is_kept: on death, by the daemon; TCP only. */
void echo_connection_new(KyronTcpStream *tcp, KyronUnixStream *unix_stream, bool is_kept);

/* Ends all that are left. */
void echo_connections_close(void);
