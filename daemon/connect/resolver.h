/*
 * Resolver: the addresses of host names, asked for on threads (name_lookup.h, BlockingPool), by
 * whoever has a share of them.
 *
 * The same name is asked for once while it is being asked for, and an answer counts for
 * RESOLVER_ANSWER_MS for everybody. Nobody waits in another user's share for that: a lookup that
 * was not begun is joined by its own user only. One that has lasted for RESOLVER_JOIN_MS is joined
 * by nobody: the name servers may answer by now.
 *
 * State: lookups, each with those who ask, and the last answers. A lookup's memory is its own, and
 * outlives the resolver where its call does not return.
 *
 * Single-threaded, on the loop; a lookup that was begun is the thread's until it is given back.
 */
#pragma once

#include "daemon/blocking/blocking_pool.h"
#include "daemon/connect/name_lookup.h"

typedef struct Resolver Resolver;
typedef struct ResolverQuestion ResolverQuestion;

enum {
        RESOLVER_ANSWER_MS = 1000,
        RESOLVER_ANSWERS_MAX = 256,
        RESOLVER_JOIN_MS = 2000,
};

/* The end of a question. Called from the loop, never from within resolver_ask(). The question is
 * gone. */
typedef void (*ResolverAnswered)(void *data, const NameAnswer *answer);

/* name_servers: those to be asked; none: as the machine does. 0 or -ENOMEM with error_text(). */
int resolver_open(Resolver **out, BlockingPool *pool, const Address *name_servers, size_t n);
/* From now on these; none: the machine's resolv.conf(5). */
void resolver_set_name_servers(Resolver *resolver, const Address *name_servers, size_t n);
/* Gives up every question; returns NULL. The pool is closed later. */
Resolver *resolver_close(Resolver *resolver);

/* Asks for a name's addresses of a family, AF_INET or AF_INET6, or AF_UNSPEC for both, for this
 * user. 1: *answer has them already, until the next call of a function of the resolver. 0: answered
 * will be called. Else, with error_text(): -EAGAIN too much of the user's waits, or there is no
 * thread; -ENOMEM. */
int resolver_ask(Resolver *resolver, uid_t uid, const char *name, int family,
                 const NameAnswer **answer, ResolverAnswered answered, void *data,
                 ResolverQuestion **out);
/* Answered will not be called. */
void resolver_give_up(ResolverQuestion *question);
