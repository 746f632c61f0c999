/*
 * What slow_calls.c, loaded into kyron-iod by LD_PRELOAD, shares with a test: a file, named by
 * $SLOW_CALLS, with a SlowCalls. Of the daemon's system calls and questions to name services those
 * are looked at that may wait for somebody else (waiting_call.h says which). Each is counted; those
 * on the loop's thread are kept as findings; and one of them, by name, lasts as long as it is told.
 *
 * It works on x86-64 and AArch64, where seccomp(2) may be used, and not beside a sanitizer.
 */
#pragma once

#include <stdatomic.h>

#define SLOW_CALLS(X)                                                                              \
        X(accept)                                                                                  \
        X(access)                                                                                  \
        X(bind)                                                                                    \
        X(chdir)                                                                                   \
        X(chmod)                                                                                   \
        X(chown)                                                                                   \
        X(close)                                                                                   \
        X(connect)                                                                                 \
        X(flock)                                                                                   \
        X(fsync)                                                                                   \
        X(getaddrinfo)                                                                             \
        X(getdents)                                                                                \
        X(getgrgid)                                                                                \
        X(getgrnam)                                                                                \
        X(getgrouplist)                                                                            \
        X(gethostbyname)                                                                           \
        X(getnameinfo)                                                                             \
        X(getpwnam)                                                                                \
        X(getpwuid)                                                                                \
        X(getservbyname)                                                                           \
        X(getservbyport)                                                                           \
        X(ioctl)                                                                                   \
        X(link)                                                                                    \
        X(mkdir)                                                                                   \
        X(open)                                                                                    \
        X(poll)                                                                                    \
        X(posix_spawn)                                                                             \
        X(read)                                                                                    \
        X(readlink)                                                                                \
        X(recv)                                                                                    \
        X(rename)                                                                                  \
        X(send)                                                                                    \
        X(sleep)                                                                                   \
        X(stat)                                                                                    \
        X(truncate)                                                                                \
        X(unlink)                                                                                  \
        X(wait_condition)                                                                          \
        X(wait_process)                                                                            \
        X(write)

#define SLOW_CALL_NUMBER(name) SLOW_CALL_##name,
enum { SLOW_CALL_none, SLOW_CALLS(SLOW_CALL_NUMBER) SLOW_CALL_COUNT };
#undef SLOW_CALL_NUMBER

enum { SLOW_FINDINGS_MAX = 512, SLOW_FINDING_BYTES = 200 };

typedef struct SlowCalls {
        atomic_int works; /* it is loaded, and the kernel takes the filter */
        atomic_int armed; /* what is called now counts */
        atomic_int slow;  /* the call that lasts */
        atomic_int slow_ms;
        atomic_int slow_left; /* how often */
        atomic_uint counts[SLOW_CALL_COUNT];
        atomic_uint n_findings; /* of the loop's thread; there may be more than are kept */
        char findings[SLOW_FINDINGS_MAX][SLOW_FINDING_BYTES];
} SlowCalls;
