/*
 * A session whose client has closed, or whose process has ended.
 *
 * What it had sent by then still counts: a worker's last words are which connections it has served
 * to the end, and whoever is given these again serves them twice. So the session is sent nothing
 * more and given nothing more to do, but its requests are read on, to the last, without answers.
 * Then it ends.
 *
 * How the daemon learns of it: a send that fails with EPIPE or ECONNRESET; a receive that fails
 * with ECONNRESET, for the client had not read everything; and the pidfd.
 */
#pragma once

#include "daemon/session/session.h"

/* Whether this, from a send or a receive, says that the client has closed. */
bool session_closed_says(int error);

/* From now on the session is as described above. Its events are to be armed anew after this. */
void session_closed_begin(Session *session);
