/* How fast each user may open sessions. See session_rate.h. */
#include "daemon/budget/session_rate.h"

enum { NS_PER_SECOND = 1000000000 };

/* The user's place, a new one if need be, without those who are not ahead of their pace; count when
 * there is no room. */
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
        if (rate->count < SESSION_RATE_USERS_MAX) {
                rate->users[rate->count].uid = uid;
                rate->users[rate->count++].paced_ns = now_ns;
        }
        return i;
}

bool session_rate_take(SessionRate *rate, uid_t uid, uint32_t per_second, uint32_t at_once,
                       uint64_t now_ns)
{
        const uint64_t step = NS_PER_SECOND / per_second;
        uint32_t i = find_place(rate, uid, now_ns);

        if (i == rate->count)
                return true;
        if (rate->users[i].paced_ns - now_ns > step * (at_once - 1))
                return false;
        rate->users[i].paced_ns += step;
        return true;
}
