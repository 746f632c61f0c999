/*
 * Clients that do not read: what the daemon has for them stays where it is.
 */
#include "core/io_id.h"
#include "tests/support/deadline.h"
#include "tests/torture/attack_session.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
        SESSIONS = 16,
        SOURCES = FRAME_SOURCES_MAX,
        FULL_SET_PACKETS = 16,
        FULL_SET = FULL_SET_PACKETS * FRAME_SOURCES_MAX,
        PAUSE_NS = 100000,
        STOP_MS = 1000,
        DEAD = 512,
        SUBSCRIPTIONS = 16,
        ANSWER_MS = 20,
};

static void open_eventfds(int *fds, int n)
{
        for (int i = 0; i < n; i++) {
                fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
                if (fds[i] < 0)
                        attack_give_up("eventfd");
        }
}

/* Something happens on all of them, again. */
static void stir(Attack *attack, const int *fds, int n)
{
        for (int i = 0; i < n; i++) {
                if (eventfd_write(fds[i], 1) < 0)
                        attack_give_up("eventfd");
        }
        attack_count(attack, (uint64_t)n);
}

/* Sessions that wait for descriptors on which much happens, and ask for long lists, and never look
 * at what they are told. */
static void never_read(Attack *attack)
{
        static AttackPacket add, list;
        AttackSession sessions[SESSIONS];
        int fds[SOURCES];

        open_eventfds(fds, SOURCES);
        attack_packet_add(&add, 0, SOURCES, 1, READINESS_READABLE, false);
        attack_packet_request(&list, IOD__FRAME__BODY_LIST_REGISTRATIONS);
        for (int i = 0; i < SESSIONS; i++)
                sessions[i].fd = -1;
        while (attack_goes_on(attack)) {
                for (int i = 0; i < SESSIONS; i++) {
                        AttackSession *session = &sessions[i];

                        if (session->fd < 0 && attack_session_open(session, attack))
                                attack_session_send(session, add.bytes, add.size, fds, SOURCES);
                        while (session->fd >= 0 &&
                               attack_session_send(session, list.bytes, list.size, NULL, 0) == 0)
                                attack_count(attack, 1);
                }
                stir(attack, fds, SOURCES);
                nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
        }
}

/* As many subscriptions as one user may have, of which nothing is read. */
static void never_read_subscriptions(Attack *attack)
{
        static AttackPacket subscribe, refused;
        AttackSession sessions[SUBSCRIPTIONS], other = {.fd = -1};
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Subscribe all = IOD__SUBSCRIBE__INIT;
        Iod__TakeHeld take_held = IOD__TAKE_HELD__INIT;

        frame.body_case = IOD__FRAME__BODY_SUBSCRIBE;
        frame.subscribe = &all;
        attack_packet_encode(&subscribe, &frame);
        take_held.name = (char *)"a_name_that_nothing_is_held_under";
        frame.body_case = IOD__FRAME__BODY_TAKE_HELD;
        frame.take_held = &take_held;
        attack_packet_encode(&refused, &frame);
        for (int i = 0; i < SUBSCRIPTIONS; i++)
                sessions[i].fd = -1;
        while (attack_goes_on(attack)) {
                for (int i = 0; i < SUBSCRIPTIONS; i++) {
                        if (sessions[i].fd < 0 && attack_session_open(&sessions[i], attack))
                                attack_session_send(&sessions[i], subscribe.bytes, subscribe.size,
                                                    NULL, 0);
                }
                if (!attack_session_open(&other, attack))
                        continue;
                if (attack_session_push(&other, attack, refused.bytes, refused.size, NULL, 0))
                        attack_count(attack, 1);
                attack_session_drain(&other);
        }
}

/* A client with a full set, which then stops. */
static pid_t start_stopped(const Attack *attack, const int *fds)
{
        static AttackPacket packet;
        AttackSession session = {.fd = -1};
        pid_t child = fork();
        int status;

        if (child < 0)
                attack_give_up("fork");
        if (child == 0) {
                attack_be_child();
                while (!attack_session_open(&session, attack))
                        ;
                for (uint32_t at = 0; at < FULL_SET; at += FRAME_SOURCES_MAX) {
                        attack_packet_add(&packet, at, FRAME_SOURCES_MAX, 1, READINESS_READABLE,
                                          false);
                        while (session.fd >= 0 &&
                               attack_session_send(&session, packet.bytes, packet.size, fds + at,
                                                   FRAME_SOURCES_MAX) < 0)
                                nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
                }
                raise(SIGSTOP);
                _exit(EXIT_SUCCESS);
        }
        while (attack_goes_on(attack) && waitpid(child, &status, WUNTRACED | WNOHANG) == 0)
                nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
        return child;
}

static void be_stopped(Attack *attack)
{
        static int fds[FULL_SET];
        pid_t child;

        open_eventfds(fds, FULL_SET);
        child = start_stopped(attack, fds);
        while (attack_goes_on(attack)) {
                stir(attack, fds, FULL_SET);
                nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
                if (waitpid(child, NULL, WNOHANG) == child)
                        child = start_stopped(attack, fds); /* it did not get in */
        }
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
}

/* One session after the other is passed a descriptor, does not read it, and says nonsense; its end
 * of the connection stays open for as long as there are as many more. */
static void die_unread(Attack *attack)
{
        static AttackPacket bind;
        static AttackSession dead[DEAD];
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Bind body = IOD__BIND__INIT;

        body.address = (char *)"udp:127.0.0.1:0";
        frame.sequence = 2;
        frame.body_case = IOD__FRAME__BODY_BIND;
        frame.bind = &body;
        attack_packet_encode(&bind, &frame);
        for (int i = 0; i < DEAD; i++)
                dead[i].fd = -1;
        for (int i = 0; attack_goes_on(attack); i = (i + 1) % DEAD) {
                AttackSession *session = &dead[i];

                attack_session_close(session);
                if (!attack_session_open(session, attack))
                        continue;
                wait_readable(session->fd, ANSWER_MS);
                attack_session_drain(session);
                if (session->fd < 0 ||
                    attack_session_send(session, bind.bytes, bind.size, NULL, 0) < 0)
                        continue;
                wait_readable(session->fd, ANSWER_MS);
                attack_session_send(session, "\xff", 1, NULL, 0);
                attack_count(attack, 1);
        }
}

const AttackKind attack_unread[] = {
        {"dead-unread", "sessions that ended", NULL, die_unread},
        {"unread-subscriptions", "refusals", NULL, never_read_subscriptions},
        {"never-reading", "requests and events", NULL, never_read},
        {"sigstop", "events", NULL, be_stopped},
        {0},
};
