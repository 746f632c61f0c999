/*
 * Which of an Internet stream socket's protocols (SO_PROTOCOL) are TCP: that itself, and MPTCP,
 * which is TCP over several paths. A socket of either is used in the same way, and what a listener
 * of MPTCP accepts is of either.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static inline bool tcp_protocol_is(int protocol)
{
        return protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP;
}
