/*
 * Processes that come and go at the wrong time: killed or stopped at any moment, or speaking in a
 * session that another has opened.
 */
#include "core/io_id.h"
#include "tests/support/random.h"
#include "tests/torture/attack_session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
        AT_ONCE = 8,
        LIFE_NS_MAX = 2000000,
        ROOM_NS = 100000,
        GENERATIONS = 16,
        CHILDREN = 4,
};

/* What a client does all its life. */
typedef void (*Life)(AttackSession *session, uint64_t *random);

static void sleep_ns(uint32_t ns)
{
        nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

/* Made beforehand, since there may be little time. */
static struct {
        AttackPacket add[GENERATIONS];
        AttackPacket list;
        AttackPacket full, direct, relayed;
        int fds[FRAME_SOURCES_MAX];
} script;

static void write_script(void)
{
        for (uint32_t i = 0; i < GENERATIONS; i++)
                attack_packet_add(&script.add[i], 0, 2, i + 1, READINESS_READABLE, i % 2 == 1);
        attack_packet_request(&script.list, IOD__FRAME__BODY_LIST_REGISTRATIONS);
}

static void live(AttackSession *session, uint64_t *random)
{
        for (uint32_t i = 0; i < GENERATIONS && session->fd >= 0; i++) {
                int fds[2];

                if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
                        _exit(EXIT_FAILURE);
                attack_session_send(session, script.add[i].bytes, script.add[i].size, fds, 2);
                if (random_below(random, 3) == 0)
                        attack_session_send(session, script.list.bytes, script.list.size, NULL, 0);
                if (random_below(random, 2) == 0)
                        attack_session_drain(session);
                close(fds[0]);
                close(fds[1]);
        }
}

static void write_direct_script(void)
{
        attack_packet_add(&script.full, 0, FRAME_SOURCES_MAX, 1, READINESS_READABLE, false);
        attack_packet_delivery(&script.direct, IOD__DELIVERY__DELIVERY_DIRECT);
        attack_packet_delivery(&script.relayed, IOD__DELIVERY__DELIVERY_RELAYED);
        for (int i = 0; i < FRAME_SOURCES_MAX; i++) {
                script.fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
                if (script.fds[i] < 0)
                        attack_give_up("eventfd");
        }
}

/* To its process and back, with all it has registered. */
static void live_directly(AttackSession *session, uint64_t *random)
{
        const bool reads = random_below(random, 2) == 0;

        while (session->fd >= 0) {
                if (attack_session_send(session, script.full.bytes, script.full.size, script.fds,
                                        FRAME_SOURCES_MAX) < 0)
                        sleep_ns(ROOM_NS);
                attack_session_send(session, script.direct.bytes, script.direct.size, NULL, 0);
                if (random_below(random, 4) > 0)
                        attack_session_send(session, script.relayed.bytes, script.relayed.size,
                                            NULL, 0);
                if (reads)
                        attack_session_drain(session);
        }
}

static pid_t start_client(Attack *attack, Life life)
{
        AttackSession session = {.fd = -1};
        uint64_t random = random_next(&attack->random);
        pid_t child = fork();

        if (child < 0)
                attack_give_up("fork");
        if (child > 0)
                return child;
        attack_be_child();
        while (!attack_session_open(&session, attack))
                ;
        life(&session, &random);
        if (random_below(&random, 2) == 0)
                attack_session_close(&session);
        for (;;)
                pause();
}

static void end_client(pid_t *child)
{
        if (*child <= 0)
                return;
        kill(*child, SIGKILL);
        waitpid(*child, NULL, 0);
        *child = 0;
}

/* Before they are connected, in the middle of a packet, or much later. */
static void kill_clients(Attack *attack, Life life)
{
        pid_t children[AT_ONCE] = {0};

        for (unsigned turn = 0; attack_goes_on(attack); turn++) {
                pid_t *child = &children[turn % AT_ONCE];

                if (*child > 0) {
                        end_client(child);
                        attack_count(attack, 1);
                }
                *child = start_client(attack, life);
                if (turn % 4 == 3)
                        sleep_ns(random_below(&attack->random, LIFE_NS_MAX));
        }
        for (int i = 0; i < AT_ONCE; i++)
                end_client(&children[i]);
}

static void be_killed(Attack *attack)
{
        write_script();
        kill_clients(attack, live);
}

static void be_killed_directly(Attack *attack)
{
        write_direct_script();
        kill_clients(attack, live_directly);
}

/* Some go on later, others are killed. */
static void be_stopped_directly(Attack *attack)
{
        struct {
                pid_t pid;
                bool is_stopped;
        } children[AT_ONCE] = {0}, *child;

        write_direct_script();
        for (unsigned turn = 0; attack_goes_on(attack); turn++) {
                child = &children[turn % AT_ONCE];
                if (child->pid == 0) {
                        child->pid = start_client(attack, live_directly);
                } else if (!child->is_stopped) {
                        kill(child->pid, SIGSTOP);
                        child->is_stopped = true;
                        attack_count(attack, 1);
                } else {
                        child->is_stopped = false;
                        if (random_below(&attack->random, 2) == 0)
                                kill(child->pid, SIGCONT);
                        else
                                end_client(&child->pid);
                }
                sleep_ns(random_below(&attack->random, LIFE_NS_MAX));
        }
        for (int i = 0; i < AT_ONCE; i++)
                end_client(&children[i].pid);
}

/* Speaks in its parent's session, and dies when it likes. */
static pid_t start_heir(Attack *attack, AttackSession *session)
{
        uint64_t random = random_next(&attack->random);
        pid_t child = fork();

        if (child < 0)
                attack_give_up("fork");
        if (child > 0)
                return child;
        attack_be_child();
        for (unsigned turns = 1 + random_below(&random, 64); turns > 0; turns--)
                live(session, &random);
        _exit(EXIT_SUCCESS);
}

static void abuse_fork(Attack *attack)
{
        AttackSession session = {.fd = -1};

        write_script();
        while (attack_goes_on(attack)) {
                uint64_t random = random_next(&attack->random);
                pid_t children[CHILDREN];

                if (!attack_session_open(&session, attack))
                        continue;
                for (int i = 0; i < CHILDREN; i++)
                        children[i] = start_heir(attack, &session);
                live(&session, &random);
                sleep_ns(random_below(&random, LIFE_NS_MAX));
                for (int i = 0; i < CHILDREN; i++) {
                        if (random_below(&random, 2) == 0)
                                kill(children[i], SIGKILL);
                        waitpid(children[i], NULL, 0);
                        attack_count(attack, 1);
                }
                /* Also the one who opened it goes, at times before its heirs have been read. */
                if (random_below(&random, 4) == 0)
                        attack_session_close(&session);
                else
                        attack_session_drain(&session);
        }
}

const AttackKind attack_processes[] = {
        {"killed-clients", "clients killed", NULL, be_killed},
        {"direct-killed", "direct sessions killed", NULL, be_killed_directly},
        {"direct-stopped", "direct sessions stopped", NULL, be_stopped_directly},
        {"fork-abuse", "children", NULL, abuse_fork},
        {0},
};
