/*
 * Claiming: a daemon that begins anew learns which connections of its shared listeners this process
 * has in hand. It counts them as those it passes itself, and those that are kept on death it keeps
 * again, with the note they have by now: that the program asked for last, or they came with. One
 * that the program asks to keep meanwhile is claimed as such, and its keep is sent after that.
 *
 * Claimed is what the program has accepted from an endpoint that is open still: when this has
 * joined again, and what is accepted later when it is. There is no answer: one that the daemon does
 * not take is served on all the same, but if this process dies it is lost.
 *
 * Guarded by the handle's lock.
 */
#pragma once

#include "client/requests/endpoint.h"

/* The endpoint has joined again: claims what the program has of it. Lock held. */
void claim_all(KyronEndpoint *endpoint);
/* The program takes one that has arrived: the daemon that passed it is told; another is, if the
 * endpoint has joined with it, or when it has. Lock held. */
void claim_take(PassedStream *stream);
/* Whether the daemon there is now does not count it yet, and will: it or its endpoint is about to
 * be told. Lock held. */
bool claim_is_to_come(const PassedStream *stream);
/* Sends what is to be claimed: 0, -EAGAIN or -EHOSTDOWN. Their registrations are sent. Lock held.
 */
int claim_flush(KyronIoDriverHandle *handle);
