/* A session hears of what happens. See subscription.h. */
#include "daemon/session/subscription.h"

#include "core/cleanup.h"
#include "core/error.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

enum {
        /* So much in the ring is sent without waiting for more. */
        HASTE_BYTES = TELLER_RING_BYTES / 4,
};

struct Subscription {
        Outgoing outgoing; /* first */
        Hearer hearer;
        Session *session;
        _Alignas(HappeningRecord) unsigned char bytes[TELLER_RING_BYTES];
};

/* ---- Sending ------------------------------------------------------------------------------- */

static void fill_entry(const Happening *happening, Iod__Happening *entry)
{
        *entry = (Iod__Happening)IOD__HAPPENING__INIT;
        entry->what = happening->what;
        entry->time = happening->time;
        entry->session = happening->session;
        entry->pid = happening->pid;
        entry->program = (char *)happening->program;
        entry->uid = happening->uid;
        entry->of_daemon = happening->owner != HAPPENING_OF_USER;
        entry->listener = happening->listener;
        entry->name = (char *)happening->name;
        entry->address = (char *)happening->address;
        if (happening->request)
                entry->request = (char *)happening->request;
        entry->error = happening->error;
        entry->count = happening->count;
        entry->text = (char *)happening->text;
}

static bool is_due(const Outgoing *outgoing)
{
        return happening_ring_is_due(&((const Subscription *)outgoing)->hearer.ring);
}

/* The first ones, up to where some were lost. */
static int send_first(Subscription *subscription)
{
        HappeningRing *ring = &subscription->hearer.ring;
        Iod__Happening entries[FRAME_HAPPENINGS_MAX], *pointers[FRAME_HAPPENINGS_MAX];
        const HappeningRecord *record = happening_ring_next(ring, NULL);
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Happened happened = IOD__HAPPENED__INIT;
        int r;

        happened.happening = pointers;
        happened.lost = record ? record->lost : ring->lost;
        while (record && happened.n_happening < FRAME_HAPPENINGS_MAX &&
               (happened.n_happening == 0 || record->lost == 0)) {
                size_t i = happened.n_happening++;

                fill_entry(&record->happening, &entries[i]);
                pointers[i] = &entries[i];
                record = happening_ring_next(ring, record);
        }
        frame.body_case = IOD__FRAME__BODY_HAPPENED;
        frame.happened = &happened;
        r = notifier_send_descriptors(&subscription->session->notifier, &frame, NULL, 0);
        if (r != 0)
                return r;
        if (happened.n_happening == 0)
                ring->lost = 0;
        happening_ring_drop(ring, happened.n_happening);
        return 0;
}

static int send_some(Outgoing *outgoing)
{
        Subscription *subscription = (Subscription *)outgoing;
        Session *session = subscription->session;
        uint64_t began = clock_now_ns();
        int r = send_first(subscription);

        time_share_use(&session->sessions->shares, &session->user->share, clock_now_ns() - began);
        return r;
}

static const OutgoingKind kind = {
        .descriptors_max = 0,
        .is_due = is_due,
        .send = send_some,
};

/* ---- Hearing ------------------------------------------------------------------------------- */

static void heard(Hearer *hearer)
{
        Subscription *subscription =
                (Subscription *)((char *)hearer - offsetof(Subscription, hearer));
        Session *session = subscription->session;

        /* Whoever reads has it sent, too. */
        if (session->ended || session->delivery.awaits_reading)
                return;
        if (happening_ring_used(&hearer->ring) > HASTE_BYTES)
                session_deliver_soon(session);
        else
                later_wake_in_a_moment(&session->sessions->loop->later, &session->deliver);
}

static int begin(Session *session)
{
        Teller *teller = session->sessions->teller;
        int r = share_check(&teller->share, session->user->subscriptions, 1, "subscriptions",
                            "end some");
        Subscription *subscription;

        if (r < 0)
                return r;
        subscription = malloc(sizeof(*subscription));
        if (!subscription)
                return error_set(ENOMEM, "no memory for a subscription");
        share_take(&teller->share, &session->user->subscriptions, 1);
        subscription->outgoing = (Outgoing){.kind = &kind};
        subscription->session = session;
        subscription->hearer = (Hearer){
                .uid = session->peer.uid,
                .hears_all = session->sees_all,
                .heard = heard,
        };
        happening_ring_init(&subscription->hearer.ring, subscription->bytes,
                            sizeof(subscription->bytes));
        TAILQ_INSERT_TAIL(&session->outgoing, &subscription->outgoing, link);
        teller_add(teller, &subscription->hearer);
        session->subscription = subscription;
        return 0;
}

int subscription_set(Session *session, uint32_t kinds)
{
        int r = session->subscription ? 0 : begin(session);

        if (r == 0)
                session->subscription->hearer.kinds = kinds;
        return r;
}

void subscription_end(Session *session)
{
        Subscription *subscription = STEAL_PTR(session->subscription);

        if (!subscription)
                return;
        teller_remove(&subscription->hearer);
        TAILQ_REMOVE(&session->outgoing, &subscription->outgoing, link);
        share_give_back(&session->sessions->teller->share, &session->user->subscriptions, 1);
        free(subscription);
}

void subscriptions_tell_last(Sessions *sessions, Iod__What what, const char *text)
{
        Session *session;

        teller_tell_everybody(sessions->teller, what, text);
        TAILQ_FOREACH(session, &sessions->list, link)
        {
                Subscription *subscription = session->subscription;

                while (subscription && !session->ended && !session->closed &&
                       !notifier_is_waiting(&session->notifier) &&
                       is_due(&subscription->outgoing) && send_first(subscription) == 0) {
                }
        }
}
