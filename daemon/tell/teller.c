/* Those who hear of what happens. See teller.h. */
#include "daemon/tell/teller.h"

#include <time.h>

void teller_init(Teller *teller)
{
        *teller = (Teller){.share.max = TELLER_HEARERS_MAX};
        LIST_INIT(&teller->hearers);
}

void teller_add(Teller *teller, Hearer *hearer)
{
        LIST_INSERT_HEAD(&teller->hearers, hearer, link);
}

void teller_remove(Hearer *hearer)
{
        LIST_REMOVE(hearer, link);
}

static bool concerns(const Happening *happening, const Hearer *hearer)
{
        if (!(hearer->kinds & happening_bit(happening)))
                return false;
        return hearer->hears_all || happening->owner == HAPPENING_OF_ALL ||
               (happening->owner == HAPPENING_OF_USER && happening->uid == hearer->uid);
}

void teller_tell(Teller *teller, const Happening *happening)
{
        Happening told = *happening;
        struct timespec now;
        Hearer *hearer;

        clock_gettime(CLOCK_REALTIME, &now);
        told.time = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
        LIST_FOREACH(hearer, &teller->hearers, link)
        {
                if (!concerns(&told, hearer))
                        continue;
                happening_ring_put(&hearer->ring, &told);
                hearer->heard(hearer);
        }
}

void teller_tell_of_daemon(Teller *teller, Iod__What what, int error, const char *text)
{
        const Happening happening = {
                .what = what,
                .owner = HAPPENING_OF_DAEMON,
                .error = error,
                .text = text,
        };

        if (teller_is_heard(teller))
                teller_tell(teller, &happening);
}

void teller_tell_everybody(Teller *teller, Iod__What what, const char *text)
{
        const Happening happening = {.what = what, .owner = HAPPENING_OF_ALL, .text = text};

        if (teller_is_heard(teller))
                teller_tell(teller, &happening);
}
