/* The limit of open files, and what is promised of it. See open_files.h. */
#include "daemon/server/open_files.h"
#include "core/error.h"
#include "daemon/listen/passing.h"
#include "daemon/process/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

_Static_assert(CLOSER_LANE_MAX + FD_LIST_MAX <= IO_DRIVER_CLOSING_MAX, "see io_driver.h");

enum {
        /* Descriptors beside those of sessions and of the closer: standard streams, epoll, signal
         * pipe, listening socket, eventfds, scratch number, /proc, one packet being received,
         * connections that are turned away, and those that ask for metrics. */
        DESCRIPTORS_OWN =
                32 + FD_LIST_MAX + CLOSER_STRANGERS_MAX + CLOSER_STRANGERS_KEPT_MAX + SCRAPES_MAX,
        /* A session's socket, its epoll set and its process. */
        DESCRIPTORS_PER_SESSION = 3,
};

/* The closer's share of so many open files: a quarter, if they do not suffice for all of it. */
static rlim_t share_of_closer(rlim_t open_files, rlim_t wanted)
{
        rlim_t quarter = open_files / 4;

        if (open_files >= wanted || quarter > CLOSER_PLACES_MAX)
                return CLOSER_PLACES_MAX;
        return quarter < CLOSER_PLACES_MIN ? CLOSER_PLACES_MIN : quarter;
}

/* Divides what is left of the limit: sessions first, but an eighth for what is kept at least. */
static void divide(Daemon *daemon, rlim_t open_files, rlim_t left)
{
        uint32_t sessions = daemon->options->sessions_max;
        uint32_t keep = daemon->config->descriptors_max;
        rlim_t for_sessions = (rlim_t)sessions * DESCRIPTORS_PER_SESSION;
        rlim_t for_kept = left > for_sessions ? left - for_sessions : 0;

        if (for_kept < left / 8)
                for_kept = left / 8;
        if (for_kept > keep)
                for_kept = keep;
        daemon->kept.max = (uint32_t)for_kept;
        if (left - for_kept < for_sessions)
                daemon->sessions.max = (uint32_t)((left - for_kept) / DESCRIPTORS_PER_SESSION);
        if (daemon->kept.max < keep)
                log_daemon(LOG_DEBUG, "the limit of %llu open files allows to keep %u, not %u",
                           (unsigned long long)open_files, daemon->kept.max, keep);
        if (daemon->sessions.max < sessions)
                log_daemon(LOG_WARNING, "the limit of %llu open files allows %u sessions, not %u",
                           (unsigned long long)open_files, daemon->sessions.max, sessions);
}

/* Enough for one packet, however few files there may be. */
static uint32_t in_flight_max(rlim_t files)
{
        if (files / 2 < PASSING_DESCRIPTORS_MAX)
                return PASSING_DESCRIPTORS_MAX;
        return files / 2 < UINT32_MAX ? (uint32_t)(files / 2) : UINT32_MAX;
}

/* To what is wanted, or as near as it goes; where it may not be set, it stays. */
static void set_limit(struct rlimit *limit, rlim_t wanted)
{
        const struct rlimit before = *limit;

        limit->rlim_cur = limit->rlim_max < wanted ? limit->rlim_max : wanted;
        if (limit->rlim_cur == before.rlim_cur || setrlimit(RLIMIT_NOFILE, limit) == 0)
                return;
        log_daemon(LOG_WARNING, "the limit of open files stays at %llu: setrlimit: %s",
                   (unsigned long long)before.rlim_cur, strerror(errno));
        *limit = before;
}

static rlim_t wanted_of(const Options *options, const Config *config)
{
        return DESCRIPTORS_OWN + CLOSER_PLACES_MAX + config->descriptors_max +
               (rlim_t)options->sessions_max * DESCRIPTORS_PER_SESSION;
}

void open_files_raise(const Options *options, const Config *config)
{
        struct rlimit limit;
        int fd;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return; /* open_files_reserve() says so */
        set_limit(&limit, wanted_of(options, config));
        fd = eventfd(0, EFD_CLOEXEC);
        if (fd >= 0 && dup3(fd, (int)limit.rlim_cur - 1, O_CLOEXEC) >= 0)
                close((int)limit.rlim_cur - 1);
        if (fd >= 0)
                close(fd);
}

int open_files_reserve(Server *server)
{
        Daemon *daemon = &server->daemon;
        const rlim_t wanted = wanted_of(daemon->options, daemon->config);
        struct rlimit limit;
        rlim_t shared;

        open_files_raise(daemon->options, daemon->config);
        daemon->sessions.max = daemon->options->sessions_max;
        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return error_set(errno, "the limit of open files is not known: getrlimit: %s",
                                 strerror(errno));
        server->closer_places = (uint32_t)share_of_closer(limit.rlim_cur, wanted);
        shared = DESCRIPTORS_OWN + server->closer_places;
        if (limit.rlim_cur < shared + DESCRIPTORS_PER_SESSION)
                return error_set(EMFILE,
                                 "the limit of open files is %llu: %u is the least, %llu would do",
                                 (unsigned long long)limit.rlim_max,
                                 DESCRIPTORS_OWN + CLOSER_PLACES_MIN + DESCRIPTORS_PER_SESSION,
                                 (unsigned long long)wanted);
        daemon->in_flight.share.max = in_flight_max(limit.rlim_cur);
        in_flight_look(&daemon->in_flight);
        /* Each is waited for once, and a session's socket twice. */
        watches_open(&daemon->watches, limit.rlim_cur + daemon->sessions.max);
        divide(daemon, limit.rlim_cur, limit.rlim_cur - shared);
        return 0;
}
