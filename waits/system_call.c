/* Names of system calls. See system_call.h. */
#include "waits/system_call.h"

#include <stddef.h>
#include <sys/syscall.h>

typedef enum CallKind {
        CALL_OTHER,
        CALL_DESCRIPTOR, /* its first argument is the descriptor it waits for */
        CALL_EPOLL_WAIT, /* the same, an epoll set */
        CALL_POLL,       /* it waits for several: an array of pollfd, and how many */
        CALL_SELECT,     /* the same: how many at most, and three sets of bits */
        CALL_MANY,       /* the same, and which it does not say */
} CallKind;

/* Newer machines lack the older of them. */
static const struct {
        int64_t call;
        const char *name;
        CallKind kind;
} calls[] = {
#ifdef SYS_epoll_wait
        {SYS_epoll_wait, "epoll_wait", CALL_EPOLL_WAIT},
#endif
        {SYS_epoll_pwait, "epoll_wait", CALL_EPOLL_WAIT},
#ifdef SYS_epoll_pwait2
        {SYS_epoll_pwait2, "epoll_wait", CALL_EPOLL_WAIT},
#endif
#ifdef SYS_poll
        {SYS_poll, "poll", CALL_POLL},
#endif
#ifdef SYS_select
        {SYS_select, "select", CALL_SELECT},
#endif
#ifdef SYS_pause
        {SYS_pause, "pause", CALL_OTHER},
#endif
#ifdef SYS_io_uring_enter
        {SYS_io_uring_enter, "io_uring_enter", CALL_MANY},
#endif
        {SYS_ppoll, "poll", CALL_POLL},
        {SYS_pselect6, "select", CALL_SELECT},
        {SYS_read, "read", CALL_DESCRIPTOR},
        {SYS_readv, "readv", CALL_DESCRIPTOR},
        {SYS_write, "write", CALL_DESCRIPTOR},
        {SYS_writev, "writev", CALL_DESCRIPTOR},
        {SYS_recvfrom, "recv", CALL_DESCRIPTOR},
        {SYS_recvmsg, "recvmsg", CALL_DESCRIPTOR},
        {SYS_sendto, "send", CALL_DESCRIPTOR},
        {SYS_sendmsg, "sendmsg", CALL_DESCRIPTOR},
        {SYS_connect, "connect", CALL_DESCRIPTOR},
        {SYS_accept, "accept", CALL_DESCRIPTOR},
        {SYS_accept4, "accept", CALL_DESCRIPTOR},
        {SYS_fcntl, "fcntl", CALL_DESCRIPTOR},
        {SYS_flock, "flock", CALL_DESCRIPTOR},
        {SYS_fsync, "fsync", CALL_DESCRIPTOR},
        {SYS_fdatasync, "fdatasync", CALL_DESCRIPTOR},
        {SYS_futex, "futex", CALL_OTHER},
        {SYS_nanosleep, "nanosleep", CALL_OTHER},
        {SYS_clock_nanosleep, "nanosleep", CALL_OTHER},
        {SYS_wait4, "wait", CALL_OTHER},
        {SYS_waitid, "wait", CALL_OTHER},
};

const char *system_call_name(int64_t call)
{
        for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
                if (calls[i].call == call)
                        return calls[i].name;
        }
        return NULL;
}

static CallKind kind_of(int64_t call)
{
        for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
                if (calls[i].call == call)
                        return calls[i].kind;
        }
        return CALL_OTHER;
}

bool system_call_has_descriptor(int64_t call)
{
        return kind_of(call) == CALL_DESCRIPTOR;
}

bool system_call_is_epoll_wait(int64_t call)
{
        return kind_of(call) == CALL_EPOLL_WAIT;
}

bool system_call_waits_for_many(int64_t call)
{
        const CallKind kind = kind_of(call);

        return kind == CALL_EPOLL_WAIT || kind == CALL_POLL || kind == CALL_SELECT ||
               kind == CALL_MANY;
}

bool system_call_is_poll(int64_t call)
{
        return kind_of(call) == CALL_POLL;
}

bool system_call_is_select(int64_t call)
{
        return kind_of(call) == CALL_SELECT;
}
