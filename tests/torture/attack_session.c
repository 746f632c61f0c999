/* An attacker's session. See attack_session.h. */
#include "tests/torture/attack_session.h"

#include "core/io_id.h"
#include "tests/support/deadline.h"
#include "tests/support/fd_message.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
        PAUSE_NS = 1000000, /* when there is no getting in */
        ROOM_MS = 100,      /* between two looks whether the attack goes on */
};

int attack_connect(const Attack *attack)
{
        const struct timeval timeout = {.tv_usec = ROOM_MS * 1000};
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

        snprintf(address.sun_path, sizeof(address.sun_path), "%s", attack->socket_path);
        if (fd < 0)
                return -1;
        if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0 ||
            connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
                close(fd);
                return -1;
        }
        return fd;
}

void attack_session_close(AttackSession *session)
{
        if (session->fd >= 0)
                close(session->fd);
        session->fd = -1;
}

/* Connects and says Hello; or waits a moment. */
static bool begin(AttackSession *session, const Attack *attack, bool asks_for_pulse)
{
        static AttackPacket hello;
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Hello body = IOD__HELLO__INIT;

        body.version = FRAME_PROTOCOL_VERSION;
        body.program = (char *)"attack";
        body.pulse = asks_for_pulse;
        frame.sequence = 1;
        frame.body_case = IOD__FRAME__BODY_HELLO;
        frame.hello = &body;
        attack_packet_encode(&hello, &frame);
        session->fd = attack_connect(attack);
        if (session->fd >= 0 && attack_session_send(session, hello.bytes, hello.size, NULL, 0) == 0)
                return true;
        attack_session_close(session);
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
        return false;
}

bool attack_session_open(AttackSession *session, const Attack *attack)
{
        return session->fd >= 0 || begin(session, attack, false);
}

int attack_session_open_pulse(AttackSession *session, const Attack *attack)
{
        static uint8_t bytes[FRAME_BYTES_MAX];
        FdMessage message = {.count = 0};

        attack_session_close(session);
        if (!begin(session, attack, true) || !wait_readable(session->fd, ROOM_MS) ||
            fd_message_receive(session->fd, bytes, sizeof(bytes), 1, &message) < 0)
                return -1;
        return message.count > 0 ? message.fds[0] : -1;
}

int attack_session_send(AttackSession *session, const void *bytes, size_t size,
                        const int *borrow_fds, size_t n)
{
        ssize_t sent = fd_message_send(session->fd, bytes, size, borrow_fds, n);

        if (sent == -EPIPE || sent == -ECONNRESET)
                attack_session_close(session);
        return sent < 0 ? (int)sent : 0;
}

bool attack_session_push(AttackSession *session, const Attack *attack, const void *bytes,
                         size_t size, const int *borrow_fds, size_t n)
{
        int r;

        while ((r = attack_session_send(session, bytes, size, borrow_fds, n)) < 0) {
                if (session->fd < 0 || !attack_goes_on(attack))
                        return false;
                /* What it was answered keeps the daemon from reading. */
                attack_session_drain(session);
                if (session->fd < 0)
                        return false;
                wait_for_events(session->fd, POLLIN | POLLOUT, r == -EAGAIN ? ROOM_MS : 1);
        }
        return true;
}

unsigned attack_session_drain(AttackSession *session)
{
        static uint8_t bytes[FRAME_BYTES_MAX];
        FdMessage message;
        unsigned packets = 0;

        while (session->fd >= 0 &&
               fd_message_receive(session->fd, bytes, sizeof(bytes), FD_LIST_MAX, &message) >= 0) {
                fd_message_close(&message);
                packets++;
                if (message.length == 0)
                        attack_session_close(session);
        }
        return packets;
}

void attack_packet_encode(AttackPacket *packet, const Iod__Frame *frame)
{
        int size = frame_encode(frame, packet->bytes);

        if (size < 0)
                attack_give_up("a frame that does not fit");
        packet->size = (size_t)size;
        packet->descriptors = frame->descriptors;
}

void attack_packet_request(AttackPacket *packet, Iod__Frame__BodyCase body)
{
        Iod__GetStatus status = IOD__GET_STATUS__INIT;
        Iod__ListSessions sessions = IOD__LIST_SESSIONS__INIT;
        Iod__ListRegistrations registrations = IOD__LIST_REGISTRATIONS__INIT;
        Iod__Frame frame = IOD__FRAME__INIT;

        frame.sequence = 7;
        frame.body_case = body;
        if (body == IOD__FRAME__BODY_LIST_SESSIONS)
                frame.list_sessions = &sessions;
        else if (body == IOD__FRAME__BODY_LIST_REGISTRATIONS)
                frame.list_registrations = &registrations;
        else
                frame.get_status = &status;
        attack_packet_encode(packet, &frame);
}

void attack_packet_delivery(AttackPacket *packet, Iod__Delivery delivery)
{
        Iod__SetDelivery body = IOD__SET_DELIVERY__INIT;
        Iod__Frame frame = IOD__FRAME__INIT;

        body.delivery = delivery;
        frame.sequence = 7;
        frame.body_case = IOD__FRAME__BODY_SET_DELIVERY;
        frame.set_delivery = &body;
        attack_packet_encode(packet, &frame);
}

void attack_packet_add(AttackPacket *packet, uint32_t first_slot, uint32_t n, uint32_t generation,
                       Readiness interest, bool forget)
{
        uint64_t sources[FRAME_SOURCES_MAX], gone[FRAME_SOURCES_MAX];
        Iod__AddIoSource add = IOD__ADD_IO_SOURCE__INIT;
        Iod__Frame frame = IOD__FRAME__INIT;

        for (uint32_t i = 0; i < n; i++) {
                sources[i] = io_id_pack(io_id_make(first_slot + i, generation), interest);
                gone[i] = io_id_make(first_slot + i, generation - 1);
        }
        add.n_source = n;
        add.source = sources;
        add.n_gone = forget ? n : 0;
        add.gone = gone;
        frame.descriptors = n;
        frame.sequence = 7;
        frame.body_case = IOD__FRAME__BODY_ADD_IO_SOURCE;
        frame.add_io_source = &add;
        attack_packet_encode(packet, &frame);
}
