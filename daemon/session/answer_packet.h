/*
 * AnswerPacket: the packet that brings a session what it has asked for.
 *
 * One answer is a frame of its own. Where more wait, and the client takes it, they go together, as
 * an Answers: up to FRAME_PACKET_ANSWERS_MAX, in their order. What was opened is registered first;
 * if the packet cannot be sent that is taken back, and all of them wait on.
 */
#pragma once

#include "daemon/session/session.h"

/* Sends the first that wait, of which there are some, and frees them. 0, NOTIFIER_WAITING not now,
 * and nothing was sent, or -errno: the session has to end. */
int answer_packet_send(Session *session);
