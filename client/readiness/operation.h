/*
 * Operations: a function run until it does not say EAGAIN. Started inline by whoever calls
 * async_call; after a wait, continued by process_io.
 */
#pragma once

#include "client/kyron.h"

/* Whether it may be started, which whoever writes its arguments has to ask before: 0; -EINVAL there
 * is none, or -EBUSY it is in use, with error_text(). */
int operation_check(const KyronOperation *operation);
/* Whether somebody would be told if it waited: 0, or -EINVAL with error_text(). */
int operation_check_completion(const KyronOperation *operation);

/* What an IO function returns for the result of a system call: n, or errno with a sentence about
 * what could not be done. EAGAIN is no failure and gets none. */
ssize_t operation_result(ssize_t n, const char *what);

/* The operation a waker belongs to; only for wakers without a wake function. */
KyronOperation *operation_of(KyronWaker *waker);

/* Runs a woken operation in process_io, up to its completion or the next wait; one that has ended
 * with an error already, only to its completion. The caller has counted it as running. Lock held,
 * but not while the function or the completion runs. */
void operation_run(KyronOperation *operation, int error);
