/* When the kernel lets the daemon run. See scheduling.h. */
#include "daemon/process/scheduling.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NS_PER_SECOND UINT64_C(1000000000)

static bool get_attributes(struct sched_attr *attributes)
{
        *attributes = (struct sched_attr){.size = sizeof(*attributes)};
        return syscall(SYS_sched_getattr, 0, attributes, sizeof(*attributes), 0) == 0;
}

/* Of this thread. Its niceness stays; kernels before 6.12 take the slice and do nothing. */
static bool set_policy(bool yields)
{
        struct sched_attr attributes;

        if (!get_attributes(&attributes))
                return false;
        attributes.sched_policy = yields ? SCHED_BATCH : SCHED_NORMAL;
        attributes.sched_runtime = yields ? SCHEDULING_LONG_SLICE_NS : SCHEDULING_SHORT_SLICE_NS;
        return syscall(SYS_sched_setattr, 0, &attributes, 0) == 0;
}

static bool read_wait(const Scheduling *scheduling, uint64_t *waited_ns)
{
        char text[128];
        ssize_t size = pread(scheduling->statistics_fd, text, sizeof(text) - 1, 0);

        if (size <= 0)
                return false;
        text[size] = '\0';
        return sscanf(text, "%*u %" SCNu64, waited_ns) == 1;
}

void scheduling_open(Scheduling *scheduling)
{
        struct sched_attr attributes;

        *scheduling = (Scheduling){.statistics_fd = -1, .pause_ns = SCHEDULING_PAUSE_MIN_NS};
        if (!get_attributes(&attributes) || attributes.sched_policy != SCHED_NORMAL)
                return;
        if (set_policy(false))
                scheduling->statistics_fd =
                        open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
}

void scheduling_close(Scheduling *scheduling)
{
        if (scheduling->yields)
                set_policy(false);
        scheduling->yields = false;
        if (scheduling->statistics_fd >= 0)
                close(scheduling->statistics_fd);
        scheduling->statistics_fd = -1;
}

/* Others are in the way. */
static void pause_yielding(Scheduling *scheduling, uint64_t now_ns)
{
        if (now_ns - scheduling->since_ns > scheduling->pause_ns)
                scheduling->pause_ns = SCHEDULING_PAUSE_MIN_NS;
        scheduling->again_ns = now_ns + scheduling->pause_ns;
        scheduling->pause_ns *= 2;
        if (scheduling->pause_ns > SCHEDULING_PAUSE_MAX_NS)
                scheduling->pause_ns = SCHEDULING_PAUSE_MAX_NS;
}

static bool go_on_yielding(Scheduling *scheduling, uint64_t now_ns, uint64_t rate, uint64_t wait_ns)
{
        if (rate < SCHEDULING_EVENTS_IDLE)
                return false;
        if (wait_ns <= SCHEDULING_WAIT_MAX_NS)
                return true;
        pause_yielding(scheduling, now_ns);
        return false;
}

bool scheduling_decide(Scheduling *scheduling, uint64_t now_ns, uint64_t events, uint64_t waited_ns)
{
        uint64_t lasted_ns = now_ns - scheduling->began_ns;
        uint64_t told = events - scheduling->events;
        uint64_t waited = waited_ns - scheduling->waited_ns;
        uint64_t rate = told * NS_PER_SECOND / lasted_ns;

        scheduling->began_ns = now_ns;
        scheduling->events = events;
        scheduling->waited_ns = waited_ns;
        if (scheduling->yields)
                return go_on_yielding(scheduling, now_ns, rate, told > 0 ? waited / told : 0);
        if (rate < SCHEDULING_EVENTS_BUSY || now_ns < scheduling->again_ns)
                return false;
        scheduling->since_ns = now_ns;
        return true;
}

void scheduling_adapt(Scheduling *scheduling, uint64_t now_ns, uint64_t events)
{
        uint64_t waited_ns = scheduling->waited_ns;
        bool yields;

        if (scheduling->statistics_fd < 0 || now_ns < scheduling->began_ns + SCHEDULING_WINDOW_NS)
                return;
        if (scheduling->yields && !read_wait(scheduling, &waited_ns)) {
                scheduling_close(scheduling);
                return;
        }
        yields = scheduling_decide(scheduling, now_ns, events, waited_ns);
        if (yields == scheduling->yields)
                return;
        if ((yields && !read_wait(scheduling, &scheduling->waited_ns)) || !set_policy(yields))
                scheduling_close(scheduling);
        else
                scheduling->yields = yields;
}
