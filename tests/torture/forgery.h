/*
 * Packets that are not what they should be. They begin as frames a client would send, one of each
 * request there is; what an attacker who has recorded them can do is to send them once more, under
 * other numbers, with other descriptors, cut, or with some of their bytes changed.
 */
#pragma once

#include "tests/torture/attack_session.h"

/* Makes the next one, as random tells. */
void forgery_make(AttackPacket *packet, uint64_t *random);
