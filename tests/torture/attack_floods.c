/*
 * Floods: more requests, connections or registrations than anybody needs, as fast as they go. The
 * attacker reads all answers, so nothing but the daemon holds it up.
 */
#include "core/io_id.h"
#include "tests/support/deadline.h"
#include "tests/torture/attack_session.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
        SESSIONS = 8,
        SILENT_CONNECTIONS = 256,
        /* Slots a flood of descriptors goes through; each has an eventfd of its own. */
        FLOOD_DESCRIPTORS = FRAME_SOURCES_MAX * 16,
        CYCLE_BATCH = 32,
        ANSWER_MS = 100,
        COMING_NS = 900000,
};

static int open_eventfd(unsigned value)
{
        int fd = eventfd(value, EFD_CLOEXEC | EFD_NONBLOCK);

        if (fd < 0)
                attack_give_up("eventfd");
        return fd;
}

static void flood_with_requests(Attack *attack)
{
        static const Iod__Frame__BodyCase bodies[] = {
                IOD__FRAME__BODY_GET_STATUS,
                IOD__FRAME__BODY_LIST_SESSIONS,
                IOD__FRAME__BODY_LIST_REGISTRATIONS,
        };
        static AttackPacket packets[3];
        AttackSession sessions[SESSIONS];

        for (int i = 0; i < 3; i++)
                attack_packet_request(&packets[i], bodies[i]);
        for (int i = 0; i < SESSIONS; i++)
                sessions[i].fd = -1;
        for (unsigned turn = 0; attack_goes_on(attack); turn++) {
                AttackSession *session = &sessions[turn % SESSIONS];
                const AttackPacket *packet = &packets[turn / SESSIONS % 3];

                if (!attack_session_open(session, attack))
                        continue;
                /* Until it takes no more, and then until it answers. */
                while (attack_session_send(session, packet->bytes, packet->size, NULL, 0) == 0)
                        attack_count(attack, 1);
                if (turn % SESSIONS == SESSIONS - 1 && session->fd >= 0)
                        wait_for_events(session->fd, POLLIN, ANSWER_MS);
                attack_session_drain(session);
        }
}

/* Some say nothing and stay, as many as fit; the others come and go, half of them with a Hello. */
static void flood_with_connections(Attack *attack)
{
        AttackSession silent[SILENT_CONNECTIONS];

        for (int i = 0; i < SILENT_CONNECTIONS; i++)
                silent[i].fd = -1;
        for (unsigned turn = 0; attack_goes_on(attack); turn++) {
                AttackSession *place = &silent[turn % SILENT_CONNECTIONS];
                AttackSession session = {.fd = -1};

                attack_session_drain(place); /* which closes it, if the daemon has */
                if (place->fd < 0 && turn % 4 == 0)
                        place->fd = attack_connect(attack);
                if (turn % 2 == 0)
                        attack_session_open(&session, attack);
                else
                        session.fd = attack_connect(attack);
                if (session.fd >= 0)
                        attack_count(attack, 1);
                attack_session_close(&session);
        }
}

/* As many as the daemon lets in by default, all of them in order. */
static void come_and_go(Attack *attack)
{
        const struct timespec rest = {.tv_nsec = COMING_NS};

        while (attack_goes_on(attack)) {
                AttackSession session = {.fd = -1};

                if (attack_session_open(&session, attack)) {
                        wait_readable(session.fd, ANSWER_MS);
                        attack_session_drain(&session);
                        attack_count(attack, 1);
                }
                attack_session_close(&session);
                nanosleep(&rest, NULL);
        }
}

/* Each session ends with a line in the daemon's log. */
static void speak_nonsense(Attack *attack)
{
        while (attack_goes_on(attack)) {
                AttackSession session = {.fd = attack_connect(attack)};

                if (session.fd < 0)
                        continue;
                if (attack_session_send(&session, "\xff", 1, NULL, 0) == 0)
                        attack_count(attack, 1);
                attack_session_close(&session);
        }
}

/* Full packets of sources, in slots that are in use already but for their generation. */
static void flood_with_descriptors(Attack *attack)
{
        static AttackPacket packet;
        static int fds[FLOOD_DESCRIPTORS];
        AttackSession session = {.fd = -1};
        uint32_t generation = 0;

        for (int i = 0; i < FLOOD_DESCRIPTORS; i++)
                fds[i] = open_eventfd(0);
        while (attack_goes_on(attack)) {
                if (!attack_session_open(&session, attack))
                        continue;
                generation = io_id_next_generation(generation);
                for (uint32_t at = 0; at < FLOOD_DESCRIPTORS && session.fd >= 0;
                     at += FRAME_SOURCES_MAX) {
                        attack_packet_add(&packet, at, FRAME_SOURCES_MAX, generation,
                                          READINESS_READABLE, false);
                        if (attack_session_push(&session, attack, packet.bytes, packet.size,
                                                fds + at, FRAME_SOURCES_MAX))
                                attack_count(attack, FRAME_SOURCES_MAX);
                }
                attack_session_drain(&session);
        }
}

/* What a busy client does: opens, registers, closes, and says so with the next. Each is readable
 * from the first, so each is told of, too. */
static void cycle(Attack *attack)
{
        static AttackPacket packet;
        AttackSession session = {.fd = -1};
        uint32_t generation = 1;
        int fds[CYCLE_BATCH];

        while (attack_goes_on(attack)) {
                if (!attack_session_open(&session, attack))
                        continue;
                generation = io_id_next_generation(generation);
                attack_packet_add(&packet, 0, CYCLE_BATCH, generation, READINESS_READABLE, true);
                for (int i = 0; i < CYCLE_BATCH; i++)
                        fds[i] = open_eventfd(1);
                if (attack_session_push(&session, attack, packet.bytes, packet.size, fds,
                                        CYCLE_BATCH))
                        attack_count(attack, CYCLE_BATCH);
                for (int i = 0; i < CYCLE_BATCH; i++)
                        close(fds[i]);
                attack_session_drain(&session);
        }
}

/* For comparison: takes as much of the processor as others do, and leaves the daemon alone. */
static void compute(Attack *attack)
{
        volatile uint64_t sum = 0;

        while (attack_goes_on(attack)) {
                for (unsigned i = 0; i < 1000000; i++)
                        sum += i;
                attack_count(attack, 1);
        }
}

const AttackKind attack_floods[] = {
        {"request-flood", "requests", NULL, flood_with_requests},
        {"connection-flood", "connections", NULL, flood_with_connections},
        {"come-and-go", "sessions", NULL, come_and_go},
        {"nonsense", "sessions of nonsense", NULL, speak_nonsense},
        {"descriptor-flood", "descriptors", NULL, flood_with_descriptors},
        {"compute", "million additions", NULL, compute},
        {"cycles", "registrations", NULL, cycle},
        {0},
};
