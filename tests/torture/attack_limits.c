/*
 * A user at all of its limits at once: sessions, registrations, holds, listeners, workers with all
 * the ids that may be offered, connects under way, descriptors in flight, and answers that nobody
 * reads. It asks for more than it may have of each, and then keeps what it was given.
 */
#include "core/io_id.h"
#include "tests/support/deadline.h"
#include "tests/torture/attack_session.h"

#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
        SESSIONS = 4200,
        REFUSALS = 5, /* in a row, that are a limit */
        FILES = 4 * FRAME_SOURCES_MAX,
        REGISTRATIONS = 270000,
        HOLDS = 2000,
        LISTENERS = 80,
        JOINING = 64, /* sessions that join as often as they may */
        MEMBERSHIPS = 260,
        OFFERED = 2048,      /* in one packet */
        OFFERED_SLOT = 8192, /* registered are the lower ones */
        CONNECTS = 600,
        LISTS = 64, /* answers that one leaves unread, and more */
        PAUSE_MS = 20,
        OPENED_MS = 1000,
        SENT_MS = 30000, /* a busy daemon reads late */
};

static AttackSession sessions[SESSIONS];
static int n_sessions;
static int files[FILES];
static AttackPacket packet;

/* Waits for room for a while; what is refused is refused. */
static void ask(AttackSession *session, const int *borrow_fds, size_t n)
{
        for (int i = 0; i < SENT_MS && session->fd >= 0; i++) {
                if (attack_session_send(session, packet.bytes, packet.size, borrow_fds, n) == 0)
                        break;
                attack_session_drain(session);
                wait_for_events(session->fd, POLLOUT, 1);
        }
        attack_session_drain(session);
}

static void encode(Iod__Frame *frame, Iod__Frame__BodyCase body, uint32_t sequence)
{
        frame->body_case = body;
        frame->sequence = sequence;
        attack_packet_encode(&packet, frame);
}

static void open_sessions(const Attack *attack)
{
        int refused = 0;

        while (attack_goes_on(attack) && n_sessions < SESSIONS && refused < REFUSALS) {
                AttackSession *session = &sessions[n_sessions];

                session->fd = -1;
                if (attack_session_open(session, attack)) {
                        wait_for_events(session->fd, POLLIN, OPENED_MS);
                        attack_session_drain(session);
                }
                if (session->fd >= 0) {
                        n_sessions++;
                        refused = 0;
                } else {
                        refused++;
                }
        }
}

static void register_all(const Attack *attack)
{
        int done = 0;

        for (int i = 0; i < FILES; i++) {
                files[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
                if (files[i] < 0)
                        attack_give_up("eventfd");
        }
        for (int i = 0; i < n_sessions && done < REGISTRATIONS && attack_goes_on(attack); i++) {
                for (uint32_t at = 0; at < FILES; at += FRAME_SOURCES_MAX) {
                        attack_packet_add(&packet, at, FRAME_SOURCES_MAX, 1, READINESS_READABLE,
                                          false);
                        ask(&sessions[i], files + at, FRAME_SOURCES_MAX);
                        done += FRAME_SOURCES_MAX;
                }
        }
}

static void hold_all(const Attack *attack)
{
        for (int i = 0; i < HOLDS && attack_goes_on(attack); i++) {
                Iod__Hold hold = IOD__HOLD__INIT;
                Iod__Frame frame = IOD__FRAME__INIT;
                char name[32];

                snprintf(name, sizeof(name), "h%d", i);
                hold.name = name;
                hold.time_to_live_ms = 3600000;
                frame.descriptors = 1;
                frame.hold = &hold;
                encode(&frame, IOD__FRAME__BODY_HOLD, (uint32_t)i + 1);
                ask(&sessions[i % n_sessions], &files[i % FILES], 1);
        }
}

/* With as many ids as a packet takes. */
static void join(AttackSession *session, int listener)
{
        static uint64_t sources[OFFERED];
        Iod__ListenerOptions options = IOD__LISTENER_OPTIONS__INIT;
        Iod__Join body = IOD__JOIN__INIT;
        Iod__Frame frame = IOD__FRAME__INIT;
        char name[32], address[64];

        for (uint32_t i = 0; i < OFFERED; i++)
                sources[i] = io_id_pack(io_id_make(OFFERED_SLOT + i, 1), READINESS_READABLE);
        snprintf(name, sizeof(name), "l%d", listener);
        snprintf(address, sizeof(address), "unix:@torture-%d-%d", (int)getuid(), listener);
        options.keep_seconds = 1;
        body.name = name;
        body.address = address;
        body.options = &options;
        body.source = sources;
        body.n_source = OFFERED;
        frame.join = &body;
        encode(&frame, IOD__FRAME__BODY_JOIN, 1);
        ask(session, NULL, 0);
}

static void join_all(const Attack *attack)
{
        for (int i = 0; i < JOINING && i < n_sessions; i++) {
                for (int j = 0; j < MEMBERSHIPS && attack_goes_on(attack); j++)
                        join(&sessions[i], (i + j) % LISTENERS);
        }
}

static void connect_all(const Attack *attack)
{
        for (int i = 0; i < CONNECTS && attack_goes_on(attack); i++) {
                Iod__Connect connect = IOD__CONNECT__INIT;
                Iod__Frame frame = IOD__FRAME__INIT;
                char address[64];

                snprintf(address, sizeof(address), "tcp:n%d-%d.slow.example:80", (int)getuid(), i);
                connect.address = address;
                connect.timeout_ms = 600000;
                frame.connect = &connect;
                encode(&frame, IOD__FRAME__BODY_CONNECT, (uint32_t)i + 1);
                ask(&sessions[i % n_sessions], NULL, 0);
        }
}

/* From here on nothing is read: a descriptor each, and lists until nothing more goes. */
static void leave_unread(const Attack *attack)
{
        for (int i = 0; i < n_sessions && attack_goes_on(attack); i++) {
                Iod__Bind bind = IOD__BIND__INIT;
                Iod__Frame frame = IOD__FRAME__INIT;

                bind.address = (char *)"udp:127.0.0.1:0";
                frame.bind = &bind;
                encode(&frame, IOD__FRAME__BODY_BIND, 1);
                attack_session_send(&sessions[i], packet.bytes, packet.size, NULL, 0);
                attack_packet_request(&packet, IOD__FRAME__BODY_LIST_REGISTRATIONS);
                for (int j = 0; j < LISTS && sessions[i].fd >= 0; j++) {
                        if (attack_session_send(&sessions[i], packet.bytes, packet.size, NULL, 0) <
                            0)
                                break;
                }
        }
}

static void fill_limits(Attack *attack)
{
        open_sessions(attack);
        if (n_sessions == 0)
                attack_give_up("no session");
        register_all(attack);
        hold_all(attack);
        join_all(attack);
        connect_all(attack);
        leave_unread(attack);
        attack_count(attack, (uint64_t)n_sessions);
        while (attack_goes_on(attack))
                wait_for_events(-1, 0, PAUSE_MS);
}

const AttackKind attack_limits[] = {
        {"limits", "sessions", NULL, fill_limits},
        {0},
};
