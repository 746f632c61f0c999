/*
 * Packets that are forged or replayed, with descriptors that fit them or not: most of them end
 * their session; then there is another. And connections to a name, which are none of it.
 */
#include "core/io_id.h"
#include "tests/support/deadline.h"
#include "tests/support/random.h"
#include "tests/torture/forgery.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { DESCRIPTORS = 8, ANSWER_MS = 1000 };

static void open_descriptors(int fds[static DESCRIPTORS])
{
        int ends[2];

        if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
                attack_give_up("a pipe");
        fds[0] = ends[0];
        fds[1] = ends[1];
        fds[2] = open("/dev/null", O_RDWR | O_CLOEXEC);
        fds[3] = open("/", O_PATH | O_CLOEXEC);
        for (int i = 4; i < DESCRIPTORS; i++)
                fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        for (int i = 0; i < DESCRIPTORS; i++) {
                if (fds[i] < 0)
                        attack_give_up("a descriptor");
        }
}

static void forge(Attack *attack)
{
        static AttackPacket packet;
        AttackSession session = {.fd = -1};
        int fds[2 * DESCRIPTORS];

        open_descriptors(fds);
        open_descriptors(fds + DESCRIPTORS);
        while (attack_goes_on(attack)) {
                uint32_t from = random_below(&attack->random, DESCRIPTORS);
                size_t n;

                if (!attack_session_open(&session, attack))
                        continue;
                forgery_make(&packet, &attack->random);
                n = packet.descriptors < DESCRIPTORS ? packet.descriptors : DESCRIPTORS;
                if (attack_session_push(&session, attack, packet.bytes, packet.size, fds + from, n))
                        attack_count(attack, 1);
                attack_session_drain(&session);
        }
}

/* Until the daemon has answered so much, or ended the session. */
static void await_answers(AttackSession *session, const Attack *attack, unsigned n)
{
        unsigned answers = 0;

        while (answers < n && session->fd >= 0 && attack_goes_on(attack)) {
                wait_for_events(session->fd, POLLIN, ANSWER_MS);
                answers += attack_session_drain(session);
        }
}

/* A connection to a name that nobody knows, in a session of its own that sees it begun. */
static void ask_for_names(Attack *attack)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Connect connect = IOD__CONNECT__INIT;
        AttackPacket packet, after;

        connect.address = (char *)"tcp:name.test:9";
        connect.source = io_id_pack(io_id_make(1, 1), READINESS_READABLE);
        frame.sequence = 2;
        frame.body_case = IOD__FRAME__BODY_CONNECT;
        frame.connect = &connect;
        attack_packet_encode(&packet, &frame);
        attack_packet_request(&after, IOD__FRAME__BODY_GET_STATUS);
        while (attack_goes_on(attack)) {
                AttackSession session = {.fd = -1};

                if (!attack_session_open(&session, attack))
                        continue;
                if (attack_session_push(&session, attack, packet.bytes, packet.size, NULL, 0) &&
                    attack_session_push(&session, attack, after.bytes, after.size, NULL, 0)) {
                        await_answers(&session, attack, 2);
                        attack_count(attack, 1);
                }
                attack_session_close(&session);
        }
}

const AttackKind attack_packets[] = {
        {"forged", "packets", NULL, forge},
        {"names", "questions", NULL, ask_for_names},
        {0},
};
