/*
 * The client's side of a pulse, by hand: a RawClient that asks for one, and the page mapped to be
 * written. Calls end the test when the test's own side fails.
 */
#pragma once

#include "proto/pulse.h"
#include "tests/support/raw_client.h"

/* Says Hello and asks for a pulse. */
void pulse_client_hello(RawClient *client);
/* The Welcome, which has to have come or to come: the pulse's descriptor, which is the caller's;
 * -1: it brought none. */
int pulse_client_welcome(RawClient *client);

/* Maps the file to be written, with words that say that this is a pulse. take_fd is closed. */
PulsePage *pulse_client_map(int take_fd);
void pulse_client_unmap(PulsePage *page);
/* Writes all words but the first. */
void pulse_client_write(PulsePage *page, uint64_t turns, uint64_t events, uint64_t registrations,
                        uint64_t state);
