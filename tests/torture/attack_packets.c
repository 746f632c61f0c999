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

const AttackKind attack_packets[] = {
        {"forged", "packets", NULL, forge},
        {0},
};
