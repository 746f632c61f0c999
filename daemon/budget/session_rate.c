/* How fast each user may open sessions. See session_rate.h. */
#include "daemon/budget/session_rate.h"

enum { NS_PER_SECOND = 1000000000 };

/* Who is least ahead, and would be forgotten next. */
static uint32_t find_least(const SessionRate *rate)
{
        uint32_t least = 0;

        for (uint32_t i = 1; i < rate->count; i++) {
                if (rate->users[i].paced_ns < rate->users[least].paced_ns)
                        least = i;
        }
        return least;
}

/* The user's place, a new one if need be, without those who are not ahead of their pace. */
static uint32_t find_place(SessionRate *rate, uid_t uid, uint64_t now_ns)
{
        uint32_t i = 0;

        while (i < rate->count) {
                if (rate->users[i].paced_ns <= now_ns)
                        rate->users[i] = rate->users[--rate->count];
                else if (rate->users[i].uid == uid)
                        return i;
                else
                        i++;
        }
        i = rate->count < SESSION_RATE_USERS_MAX ? rate->count++ : find_least(rate);
        rate->users[i].uid = uid;
        rate->users[i].paced_ns = now_ns;
        return i;
}

bool session_rate_take(SessionRate *rate, uid_t uid, uint32_t per_second, uint32_t at_once,
                       uint64_t now_ns)
{
        const uint64_t step = NS_PER_SECOND / per_second;
        uint32_t i = find_place(rate, uid, now_ns);

        if (rate->users[i].paced_ns - now_ns > step * (at_once - 1))
                return false;
        rate->users[i].paced_ns += step;
        return true;
}

uint32_t session_rate_used(const SessionRate *rate, uid_t uid, uint32_t per_second, uint64_t now_ns)
{
        const uint64_t step = NS_PER_SECOND / per_second;

        for (uint32_t i = 0; i < rate->count; i++) {
                if (rate->users[i].uid == uid && rate->users[i].paced_ns > now_ns)
                        return (uint32_t)((rate->users[i].paced_ns - now_ns + step - 1) / step);
        }
        return 0;
}
