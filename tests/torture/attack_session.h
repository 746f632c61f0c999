/*
 * An attacker's session: Hello, and from then on whatever it likes. A session that the daemon has
 * ended, or would not open, is opened again by whoever uses it next.
 */
#pragma once

#include "proto/frame.h"
#include "tests/torture/attack.h"

#include <stddef.h>
#include <stdint.h>

typedef struct AttackSession {
        int fd; /* -1: there is none */
} AttackSession;

/* Connects; -1 if that is not to be. */
int attack_connect(const Attack *attack);

/* Connects and says Hello, unless it is open. Waits a moment when there is no getting in, and
 * returns false. */
bool attack_session_open(AttackSession *session, const Attack *attack);
/* The same, with a Hello that asks for a pulse, whatever was open before. Returns its descriptor,
 * the caller's; -1: there is none. */
int attack_session_open_pulse(AttackSession *session, const Attack *attack);
void attack_session_close(AttackSession *session);

/* Sends without waiting: 0, or -errno. The session is closed when the daemon has ended it. */
int attack_session_send(AttackSession *session, const void *bytes, size_t size,
                        const int *borrow_fds, size_t n);
/* The same, waiting for room, for as long as the attack goes on. False: the packet is lost. */
bool attack_session_push(AttackSession *session, const Attack *attack, const void *bytes,
                         size_t size, const int *borrow_fds, size_t n);
/* Reads all there is, and forgets it. Returns how many packets there were. */
unsigned attack_session_drain(AttackSession *session);

/* An encoded frame. */
typedef struct AttackPacket {
        size_t size;
        size_t descriptors; /* it announces */
        uint8_t bytes[FRAME_BYTES_MAX];
} AttackPacket;

void attack_packet_encode(AttackPacket *packet, const Iod__Frame *frame);
/* A request without fields of its own. */
void attack_packet_request(AttackPacket *packet, Iod__Frame__BodyCase body);
void attack_packet_delivery(AttackPacket *packet, Iod__Delivery delivery);
/* AddIoSource of n consecutive slots, all with this generation and interest; and of as many ids
 * that are gone, one generation older, where forget is true. */
void attack_packet_add(AttackPacket *packet, uint32_t first_slot, uint32_t n, uint32_t generation,
                       Readiness interest, bool forget);
