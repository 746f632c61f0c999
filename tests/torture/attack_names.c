/*
 * What a client names: far slots, many memberships, hosts that nobody resolves. Each costs it
 * hardly anything.
 */
#include "core/io_id.h"
#include "tests/support/deadline.h"
#include "tests/torture/attack_session.h"

#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
        SESSIONS = 16,
        /* Slots of one packet, as far from each other as there are slots. */
        SPARSE_STEP = 256,
        MEMBERSHIPS = 256,
        CONNECTS = 256,
        ANSWER_MS = 1000,
};

static uint64_t source_of(uint32_t slot, uint32_t generation)
{
        return io_id_pack(io_id_make(slot, generation), READINESS_READABLE);
}

/* One file under many numbers and far slots: the first is registered, the others are refused. */
static void add_sparsely(AttackPacket *packet, uint32_t generation)
{
        uint64_t sources[FRAME_SOURCES_MAX];
        Iod__AddIoSource add = IOD__ADD_IO_SOURCE__INIT;
        Iod__Frame frame = IOD__FRAME__INIT;

        for (uint32_t i = 0; i < FRAME_SOURCES_MAX; i++)
                sources[i] = source_of(i * SPARSE_STEP, generation);
        add.n_source = FRAME_SOURCES_MAX;
        add.source = sources;
        frame.descriptors = FRAME_SOURCES_MAX;
        frame.body_case = IOD__FRAME__BODY_ADD_IO_SOURCE;
        frame.add_io_source = &add;
        attack_packet_encode(packet, &frame);
}

static void use_sparse_slots(Attack *attack)
{
        static AttackPacket packet;
        AttackSession sessions[SESSIONS];
        int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        int fds[FRAME_SOURCES_MAX];
        uint32_t generation = 0;

        if (fd < 0)
                attack_give_up("eventfd");
        for (int i = 0; i < FRAME_SOURCES_MAX; i++)
                fds[i] = fd;
        for (int i = 0; i < SESSIONS; i++)
                sessions[i].fd = -1;
        for (unsigned turn = 0; attack_goes_on(attack); turn++) {
                AttackSession *session = &sessions[turn % SESSIONS];

                if (!attack_session_open(session, attack))
                        continue;
                generation = io_id_next_generation(generation);
                add_sparsely(&packet, generation);
                if (attack_session_push(session, attack, packet.bytes, packet.size, fds,
                                        FRAME_SOURCES_MAX))
                        attack_count(attack, FRAME_SOURCES_MAX);
                attack_session_drain(session);
        }
        close(fd);
}

/* Of a listener that goes a second after its last worker. */
static void join_group(AttackPacket *packet, const char *name)
{
        Iod__ListenerOptions options = IOD__LISTENER_OPTIONS__INIT;
        Iod__Join join = IOD__JOIN__INIT;
        Iod__Frame frame = IOD__FRAME__INIT;
        char address[64];

        snprintf(address, sizeof(address), "unix:@torture-%d-%s", (int)getpid(), name);
        options.keep_seconds = 1;
        join.name = (char *)name;
        join.address = address;
        join.options = &options;
        frame.sequence = 7;
        frame.body_case = IOD__FRAME__BODY_JOIN;
        frame.join = &join;
        attack_packet_encode(packet, &frame);
}

/* Sessions that join a few groups as often as they may, and end, all at once. */
static void join_and_end(Attack *attack)
{
        static const char *const names[] = {"a", "b", "c", "d"};
        static AttackPacket packets[4];
        AttackSession sessions[SESSIONS];

        for (int i = 0; i < 4; i++)
                join_group(&packets[i], names[i]);
        for (int i = 0; i < SESSIONS; i++)
                sessions[i].fd = -1;
        while (attack_goes_on(attack)) {
                for (int i = 0; i < SESSIONS; i++) {
                        if (!attack_session_open(&sessions[i], attack))
                                continue;
                        for (int j = 0; j < MEMBERSHIPS && sessions[i].fd >= 0; j++) {
                                const AttackPacket *packet = &packets[j % 4];

                                if (attack_session_push(&sessions[i], attack, packet->bytes,
                                                        packet->size, NULL, 0))
                                        attack_count(attack, 1);
                                attack_session_drain(&sessions[i]);
                        }
                }
                for (int i = 0; i < SESSIONS; i++)
                        attack_session_close(&sessions[i]);
        }
}

/* Each another name, of a name server that does not answer. */
static void ask_for_names(Attack *attack)
{
        static AttackPacket packet;
        AttackSession session = {.fd = -1};
        unsigned asked = 0;

        while (attack_goes_on(attack)) {
                if (!attack_session_open(&session, attack))
                        continue;
                for (int i = 0; i < CONNECTS && session.fd >= 0; i++) {
                        Iod__Connect connect = IOD__CONNECT__INIT;
                        Iod__Frame frame = IOD__FRAME__INIT;
                        char address[64];

                        snprintf(address, sizeof(address), "tcp:n%u.slow.example:80", asked++);
                        connect.address = address;
                        connect.timeout_ms = ANSWER_MS;
                        frame.sequence = asked;
                        frame.body_case = IOD__FRAME__BODY_CONNECT;
                        frame.connect = &connect;
                        attack_packet_encode(&packet, &frame);
                        if (attack_session_push(&session, attack, packet.bytes, packet.size, NULL,
                                                0))
                                attack_count(attack, 1);
                        attack_session_drain(&session);
                }
                if (session.fd >= 0)
                        wait_for_events(session.fd, POLLIN, ANSWER_MS);
                attack_session_drain(&session);
        }
}

const AttackKind attack_names[] = {
        {"sparse-slots", "slots", NULL, use_sparse_slots},
        {"memberships", "memberships", NULL, join_and_end},
        {"slow-names", "names", NULL, ask_for_names},
        {0},
};
