/*
 * Resolver: the addresses of host names, from the hosts file and from name servers, one family at
 * a time and without blocking the loop.
 *
 * Name servers are asked by evdns, set up at the first name they are asked for: a UDP socket each.
 * A name is asked for as it is written, without a search list: the policy decided about that name,
 * not about one that begins like it. Its letters' case is mixed at random and has to come back
 * (a forged answer has to guess it). A server that is silent is asked again every
 * RESOLVER_RETRY_SECONDS, in turn with the others, RESOLVER_TRIES times in all. An answer that does
 * not fit in a datagram is an error: evdns has no TCP.
 *
 * State: the name servers in use and retired ones, which their file no longer names. Retired ones
 * go once their last question is answered.
 * Invariants: a question belongs to its name servers until evdns has called back for it, given up
 * or not. evdns keeps its own pointers in callbacks that wait in the loop, and has no way to take
 * them back: so name servers are freed only when none waits. For want of memory it loses a question
 * without a word: after libevent has failed to allocate anything, those under way are not touched
 * any more, and go with their servers, which are retired.
 *
 * Single-threaded, on the loop.
 */
#pragma once

#include "daemon/connect/hosts_file.h"
#include "daemon/loop/loop_event.h"

typedef struct Resolver Resolver;
typedef struct ResolverQuestion ResolverQuestion;

enum {
        RESOLVER_RETRY_SECONDS = 2,
        RESOLVER_TRIES = 5,
        /* Questions under way at once; what is more waits. So many that those of one user to a
         * silent name server leave room for everybody's. */
        RESOLVER_QUESTIONS_MAX = 32768,
};

/* The addresses of a family, ports 0; the first CONNECT_ADDRESSES_MAX. */
typedef struct ResolverAnswer {
        size_t count;
        InetAddress addresses[CONNECT_ADDRESSES_MAX];
} ResolverAnswer;

/* The end of a question: 0, or with error_text(): -ENOENT no such name, or none with an address of
 * this family, -EAGAIN no name server has a proper answer. Called from the loop, never from within
 * resolver_ask(). The question is gone. */
typedef void (*ResolverAnswered)(void *data, int error, const ResolverAnswer *answer);

/* Where to read what. */
typedef struct ResolverFiles {
        const char *resolv_conf;
        const char *hosts;
} ResolverFiles;

/*
 * name_servers: "ADDRESS" or "ADDRESS:PORT" each; none: those that files.resolv_conf names, read
 * again when it has changed. The strings of files have to outlive it. 0, or with error_text():
 * -ENOMEM, -EINVAL an address is none.
 */
int resolver_open(Resolver **out, Loop *loop, const ResolverFiles *files, char *const *name_servers,
                  size_t n);
/* Gives up every question; returns NULL. What evdns still holds is freed from the loop: turn it
 * once (EVLOOP_NONBLOCK) before the base is freed. */
Resolver *resolver_close(Resolver *resolver);

/* Asks for a name's addresses of a family, AF_INET or AF_INET6. 1: *answer has them already, and
 * may be empty. 0: answered will be called. Else as ResolverAnswered, or -ENOMEM. */
int resolver_ask(Resolver *resolver, const char *name, int family, ResolverAnswer *answer,
                 ResolverAnswered answered, void *data, ResolverQuestion **out);
/* Answered will not be called. */
void resolver_give_up(ResolverQuestion *question);
