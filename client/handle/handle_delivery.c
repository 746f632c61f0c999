/* Who waits: the daemon or this process. See handle_delivery.h. */
#include "client/handle/handle_delivery.h"

#include "core/clock.h"

#include <stdlib.h>
#include <string.h>

/* What the environment says; else what the program does. */
static KyronDelivery read_wanted(KyronDelivery wanted)
{
        const char *text = getenv("KYRON_DELIVERY");

        if (!text)
                return wanted;
        if (strcmp(text, "auto") == 0)
                return KYRON_DELIVERY_AUTO;
        if (strcmp(text, "relayed") == 0)
                return KYRON_DELIVERY_RELAYED;
        return strcmp(text, "direct") == 0 ? KYRON_DELIVERY_DIRECT : wanted;
}

void handle_delivery_init(HandleDelivery *delivery, KyronDelivery wanted)
{
        *delivery = (HandleDelivery){
                .wanted = read_wanted(wanted),
                .timer_fd = -1,
                .pace.quiet_ms = DELIVERY_QUIET_MS,
        };
}

void handle_delivery_begin_session(HandleDelivery *delivery, uint32_t allowed)
{
        delivery->allowed = allowed ? allowed : DELIVERY_ALLOWS_RELAYED;
        delivery->told_direct = !(delivery->allowed & DELIVERY_ALLOWS_RELAYED);
        delivery->is_asked = delivery->is_unable = delivery->moves_back = false;
}

void handle_delivery_want(HandleDelivery *delivery, KyronDelivery wanted, uint64_t now_ms)
{
        delivery->wanted = wanted;
        delivery->is_unable = false;
        delivery->pace.direct = delivery->direct;
        delivery->pace.turns = 0;
        delivery->pace.since_ms = now_ms;
}

bool handle_delivery_wants_direct(const HandleDelivery *delivery)
{
        if (!(delivery->allowed & DELIVERY_ALLOWS_RELAYED))
                return true;
        if (!(delivery->allowed & DELIVERY_ALLOWS_DIRECT) || delivery->is_unable)
                return false;
        return delivery->wanted == KYRON_DELIVERY_DIRECT ||
               (delivery->wanted == KYRON_DELIVERY_AUTO && delivery->pace.direct);
}

void handle_delivery_on_turn(HandleDelivery *delivery)
{
        DeliveryPace *pace = &delivery->pace;

        pace->turns++;
        if (pace->direct || pace->turns < DELIVERY_BUSY_TURNS)
                return;
        if (delivery->wanted == KYRON_DELIVERY_AUTO)
                handle_delivery_decide(pace, clock_coarse_ms());
        else
                pace->turns = 0;
}

/* The hop costs something: it goes. */
static void go(DeliveryPace *pace, uint64_t now)
{
        const bool is_soon = pace->back_ms != 0 && now - pace->back_ms < DELIVERY_AGAIN_MS;

        pace->quiet_ms = is_soon ? pace->quiet_ms * 2 : DELIVERY_QUIET_MS;
        if (pace->quiet_ms > DELIVERY_QUIET_MAX_MS)
                pace->quiet_ms = DELIVERY_QUIET_MAX_MS;
        pace->direct = true;
}

bool handle_delivery_decide(DeliveryPace *pace, uint64_t now)
{
        const uint64_t passed = now - pace->since_ms;

        if (!pace->direct) {
                if (pace->turns >= DELIVERY_BUSY_TURNS && passed <= DELIVERY_BUSY_MS)
                        go(pace, now);
        } else if (passed < pace->quiet_ms) {
                return true;
        } else if ((uint64_t)pace->turns * 1000 < passed * DELIVERY_QUIET_RATE) {
                pace->direct = false;
                pace->back_ms = now;
        }
        pace->turns = 0;
        pace->since_ms = now;
        return pace->direct;
}
