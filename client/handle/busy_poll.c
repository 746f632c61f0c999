/* A wait that may poll before it sleeps. See busy_poll.h. */
#include "client/handle/busy_poll.h"

#include "core/clock.h"

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

/* What the environment says; else us. */
static long wanted_us(int us)
{
        const char *text = getenv("KYRON_BUSY_POLL_US");
        char *end;
        long wanted;

        if (!text || !*text)
                return us;
        wanted = strtol(text, &end, 10);
        if (*end || wanted < 0)
                return us;
        return wanted > 0 ? wanted : -1;
}

void busy_poll_init(BusyPoll *poll, int us)
{
        long limit_us = wanted_us(us);

        if (limit_us == 0)
                limit_us = BUSY_POLL_DEFAULT_US;
        if (limit_us > BUSY_POLL_MAX_US)
                limit_us = BUSY_POLL_MAX_US;
        if (limit_us < 0 || sysconf(_SC_NPROCESSORS_ONLN) < 2)
                limit_us = 0;
        *poll = (BusyPoll){
                .limit_ns = (uint64_t)limit_us * 1000,
                .pause_ns = BUSY_POLL_PAUSE_MIN_NS,
        };
}

/* It was of no use, or in the way. */
static void stop(BusyPoll *poll, uint64_t now)
{
        poll->polls = false;
        if (now - poll->since_ns > poll->pause_ns)
                poll->pause_ns = BUSY_POLL_PAUSE_MIN_NS;
        poll->again_ns = now + poll->pause_ns;
        poll->pause_ns *= 2;
        if (poll->pause_ns > BUSY_POLL_PAUSE_MAX_NS)
                poll->pause_ns = BUSY_POLL_PAUSE_MAX_NS;
}

bool busy_poll_decide(BusyPoll *poll, uint64_t now, const BusyPollWaits *waits)
{
        const bool mostly_waits = waits->worked_ns < waits->waited_ns;

        if (poll->polls) {
                if (!mostly_waits || waits->caught < BUSY_POLL_CAUGHT_MIN)
                        stop(poll, now);
        } else if (mostly_waits && now >= poll->again_ns &&
                   waits->waited_ns < 2 * poll->limit_ns * waits->count) {
                /* Twice: part of these waits was falling asleep and waking up. */
                poll->polls = true;
                poll->since_ns = now;
        }
        return poll->polls;
}

/* Until something is ready, or the time is up. */
static int poll_for(BusyPoll *poll, Selector *selector, SelectorEvent *events, int max,
                    uint64_t began)
{
        uint64_t now = began;
        int n;

        while ((n = selector_wait(selector, events, max, 0)) == 0 && now - began < poll->limit_ns) {
                sched_yield();
                now = clock_now_ns();
        }
        poll->waits.caught += n > 0;
        /* Somebody else had the processor for longer than it would have waited. */
        if (now - began > poll->limit_ns + BUSY_POLL_LONG_NS)
                stop(poll, now);
        return n;
}

/* Of a wait that has ended. */
static void count(BusyPoll *poll, uint64_t began)
{
        uint64_t now = clock_now_ns();

        if (poll->ended_ns != 0) {
                poll->waits.count++;
                poll->waits.worked_ns += began - poll->ended_ns;
                poll->waits.waited_ns += now - began;
        }
        poll->ended_ns = now;
        if (poll->waits.count < BUSY_POLL_WAITS)
                return;
        busy_poll_decide(poll, now, &poll->waits);
        poll->waits = (BusyPollWaits){.count = 0};
}

int busy_poll_wait(BusyPoll *poll, Selector *selector, SelectorEvent *events, int max,
                   int timeout_ms)
{
        uint64_t began;
        int n = 0;

        if (timeout_ms == 0 || poll->limit_ns == 0)
                return selector_wait(selector, events, max, timeout_ms);
        began = clock_now_ns();
        if (poll->polls)
                n = poll_for(poll, selector, events, max, began);
        if (n == 0)
                n = selector_wait(selector, events, max, timeout_ms);
        count(poll, began);
        return n;
}
