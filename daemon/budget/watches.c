/* Entries in epoll sets, of all users together. See watches.h. */
#include "daemon/budget/watches.h"

#include "core/cleanup.h"
#include "daemon/process/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/sysinfo.h>
#include <unistd.h>

enum {
        /* The kernel lets epoll have this part of the memory, and counts 184 to 200 bytes for an
         * entry (eventpoll_init()): with more of them it is less than what it allows. */
        WATCH_MEMORY_PART = 25,
        WATCH_BYTES = 256,
        /* Where not even the memory is known. */
        UNKNOWN = 65536,
};

static uint64_t default_max(void)
{
        struct sysinfo info;

        if (sysinfo(&info) < 0)
                return UNKNOWN;
        return (uint64_t)(info.totalram - info.totalhigh) * info.mem_unit / WATCH_MEMORY_PART /
               WATCH_BYTES;
}

uint64_t watches_kernel_max(void)
{
        CLEANUP(cleanup_fclose) FILE *file = fopen("/proc/sys/fs/epoll/max_user_watches", "re");
        uint64_t max;

        return file && fscanf(file, "%" SCNu64, &max) == 1 ? max : default_max();
}

/* So many entries of one file in one set, each under a number of its own, which is closed again. As
 * many as can be had. */
static void take_spare(Watches *watches)
{
        struct epoll_event event = {.events = EPOLLET};
        int number = 0;

        if (watches->spare_fd >= 0)
                return;
        watches->spare_file = eventfd(0, EFD_CLOEXEC);
        watches->spare_fd = epoll_create1(EPOLL_CLOEXEC);
        for (int i = 0; i < WATCHES_SPARE; i++) {
                number = fcntl(watches->spare_file, F_DUPFD_CLOEXEC, number + 1);
                if (number < 0 || epoll_ctl(watches->spare_fd, EPOLL_CTL_ADD, number, &event) < 0) {
                        cleanup_close(&number);
                        return;
                }
                close(number);
        }
}

static void give_up_spare(Watches *watches)
{
        cleanup_close(&watches->spare_fd);
        cleanup_close(&watches->spare_file);
        watches->spare_fd = watches->spare_file = -1;
}

void watches_look_again(Watches *watches)
{
        uint64_t max = watches_kernel_max(), own;

        if (max > WATCHES_MAX)
                max = WATCHES_MAX;
        own = max / WATCHES_OWN_PART;
        watches->share.max = max - (own < watches->own ? own : watches->own);
        take_spare(watches);
}

void watches_open(Watches *watches, uint64_t own)
{
        watches->own = own;
        watches_look_again(watches);
}

void watches_close(Watches *watches)
{
        give_up_spare(watches);
}

void watches_ran_out(Watches *watches)
{
        uint64_t max = watches->share.used - watches->share.used / WATCHES_OWN_PART;

        give_up_spare(watches);
        if (max >= watches->share.max)
                return;
        log_daemon(LOG_WARNING,
                   "the kernel allows no more than %" PRIu64 " epoll watches now, not %" PRIu64
                   ": raise fs.epoll.max_user_watches, and reload",
                   watches->share.used, watches->share.max);
        watches->share.max = max;
}
