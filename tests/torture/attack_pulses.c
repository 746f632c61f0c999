/*
 * Pulses with garbage in them, of direct sessions: two processes write whatever comes to mind, as
 * fast as they can, give the page's memory back and take it again, while a third has the daemon
 * look.
 */
#include "proto/pulse.h"
#include "tests/support/deadline.h"
#include "tests/support/random.h"
#include "tests/torture/attack_session.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
        WRITERS = 2,
        WRITES = 100, /* between two times that the memory is given back */
        ANSWER_MS = 100,
};

static void write_garbage(PulsePage *page, uint64_t *random)
{
        for (int i = 0; i < WRITES; i++) {
                atomic_store(&page->turns, random_next(random));
                atomic_store(&page->events, random_next(random));
                atomic_store(&page->registrations, random_next(random));
                atomic_store(&page->state, random_next(random));
                atomic_store(&page->magic, i % 4 > 0 ? PULSE_MAGIC : random_next(random));
        }
}

static pid_t start_writer(Attack *attack)
{
        static AttackPacket direct;
        AttackSession session = {.fd = -1};
        uint64_t random = random_next(&attack->random);
        pid_t child = fork();
        PulsePage *page;
        int fd;

        if (child < 0)
                attack_give_up("fork");
        if (child > 0)
                return child;
        attack_be_child();
        while ((fd = attack_session_open_pulse(&session, attack)) < 0)
                ;
        page = mmap(NULL, PULSE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (page == MAP_FAILED)
                attack_give_up("a pulse");
        attack_packet_delivery(&direct, IOD__DELIVERY__DELIVERY_DIRECT);
        attack_session_send(&session, direct.bytes, direct.size, NULL, 0);
        for (;;) {
                write_garbage(page, &random);
                fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PULSE_BYTES);
        }
}

static void write_pulses(Attack *attack)
{
        static AttackPacket list;
        AttackSession session = {.fd = -1};
        pid_t writers[WRITERS];

        for (int i = 0; i < WRITERS; i++)
                writers[i] = start_writer(attack);
        attack_packet_request(&list, IOD__FRAME__BODY_LIST_SESSIONS);
        while (attack_goes_on(attack)) {
                if (!attack_session_open(&session, attack))
                        continue;
                attack_session_push(&session, attack, list.bytes, list.size, NULL, 0);
                if (session.fd >= 0)
                        wait_readable(session.fd, ANSWER_MS);
                attack_count(attack, attack_session_drain(&session));
        }
        for (int i = 0; i < WRITERS; i++) {
                kill(writers[i], SIGKILL);
                waitpid(writers[i], NULL, 0);
        }
}

const AttackKind attack_pulses[] = {
        {"pulse-garbage", "looks at pulses", NULL, write_pulses},
        {0},
};
