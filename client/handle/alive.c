/* Whether the daemon still answers. See alive.h. */
#include "client/handle/alive.h"

#include "client/handle/timer_fd.h"
#include "core/clock.h"

#include <limits.h>
#include <stdlib.h>

/* What the environment says; else ms. */
static long wanted_ms(int ms)
{
        const char *text = getenv("KYRON_ALIVE_MS");
        char *end;
        long wanted;

        if (!text || !*text)
                return ms;
        wanted = strtol(text, &end, 10);
        return *end || wanted < -1 || wanted > INT_MAX ? ms : wanted;
}

void alive_init(Alive *alive, int ms)
{
        long wanted = wanted_ms(ms);

        if (wanted == 0)
                wanted = ALIVE_DEFAULT_MS;
        else if (wanted > 0 && wanted < ALIVE_MIN_MS)
                wanted = ALIVE_MIN_MS;
        *alive = (Alive){.limit_ms = wanted < 0 ? -1 : (int)wanted, .borrow_timer_fd = -1};
}

/* It has so long to answer. */
static unsigned answer_ms(const Alive *alive)
{
        return (unsigned)alive->limit_ms / 4;
}

/* After so long a silence it is asked. */
static unsigned silence_ms(const Alive *alive)
{
        return (unsigned)alive->limit_ms - answer_ms(alive);
}

static void watch(Alive *alive)
{
        alive->state = ALIVE_WATCHING;
        alive->heard_ms = alive->set_ms = clock_coarse_ms();
        timer_fd_set(alive->borrow_timer_fd, silence_ms(alive));
}

void alive_on_sent(Alive *alive)
{
        if (alive->limit_ms >= 0 && alive->state == ALIVE_AT_REST)
                watch(alive);
}

void alive_on_heard(Alive *alive)
{
        if (alive->limit_ms < 0)
                return;
        alive->heard_ms = clock_coarse_ms();
        if (alive->state != ALIVE_WATCHING ||
            alive->heard_ms - alive->set_ms >= (unsigned)alive->limit_ms / 8)
                watch(alive);
}

void alive_on_answer(Alive *alive, bool is_awaited)
{
        if (alive->state == ALIVE_AT_REST || is_awaited)
                return;
        timer_fd_set(alive->borrow_timer_fd, 0);
        alive->state = ALIVE_AT_REST;
}

void alive_rest(Alive *alive)
{
        alive->state = ALIVE_AT_REST;
}

static AliveVerdict look_again(Alive *alive, uint64_t ms)
{
        alive->state = ALIVE_WATCHING;
        timer_fd_set(alive->borrow_timer_fd, (unsigned)ms);
        return ALIVE_WELL;
}

AliveVerdict alive_on_timer(Alive *alive, bool has_unread)
{
        uint64_t silent = clock_coarse_ms() - alive->heard_ms;

        switch (alive->state) {
        case ALIVE_WATCHING:
                if (silent < silence_ms(alive))
                        return look_again(alive, silence_ms(alive) - silent);
                alive->state = ALIVE_ASKED;
                timer_fd_set(alive->borrow_timer_fd, answer_ms(alive));
                return ALIVE_TO_BE_ASKED;
        case ALIVE_ASKED:
                return has_unread ? look_again(alive, answer_ms(alive)) : ALIVE_LOST;
        default:
                return ALIVE_WELL;
        }
}
