/*
 * NearAddress: whether an address leads to this machine itself, or to what only those beside it can
 * reach: loopback, "this network" (0.0.0.0/8, [::]), link-local (169.254.0.0/16, fe80::/10, where
 * clouds have their metadata), and every address of the machine's interfaces; also where one of
 * these is inside an IPv6 address (NAT64, 6to4, IPv4-compatible).
 *
 * Whoever answers for a name may answer with such an address. Asked anew each time, of the kernel
 * alone: nothing is sent, and nothing waits.
 */
#pragma once

#include "core/address.h"

/* 1 it does, 0 not, or -errno with error_text(): the kernel could not be asked. The address is a
 * number. */
int near_address_check(const Address *address);
