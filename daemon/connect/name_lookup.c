/* The addresses of a host's name. See name_lookup.h. */
#include "daemon/connect/name_lookup.h"

#include "core/clock.h"

#include <errno.h>
#include <netdb.h>
#include <nss.h>
#include <stdio.h>
#include <stdlib.h>

enum {
        /* Of resolv.conf(5)'s own words, at most. */
        RETRY_SECONDS_MAX = 5,
};

void name_servers_set(NameServers *servers, const Address *addresses, size_t n)
{
        *servers = (NameServers){.count = n < MAXNS ? n : MAXNS};
        for (size_t i = 0; i < servers->count; i++)
                memcpy(&servers->addresses[i], &addresses[i].socket_address, addresses[i].size);
        /* Another source would be asked before them, or in their place. */
        if (n > 0)
                __nss_configure_lookup("hosts", "files dns");
}

/* Where the thread's own C library has its name servers: IPv4 ones in a list, IPv6 ones beside it,
 * in memory that it frees. */
static int put_server(struct __res_state *state, int i, const InetAddress *address)
{
        struct sockaddr_in6 **v6 = &state->_u._ext.nsaddrs[i];

        if (address->any.sa_family == AF_INET) {
                free(*v6);
                *v6 = NULL;
                state->nsaddr_list[i] = address->v4;
                return 0;
        }
        if (!*v6)
                *v6 = malloc(sizeof(**v6));
        if (!*v6)
                return -ENOMEM;
        **v6 = address->v6;
        state->nsaddr_list[i].sin_family = 0;
        return 0;
}

/* Anew each time: resolv.conf(5) counts as it is now. 0 or -ENOMEM. */
static int prepare(struct __res_state *state, const NameServers *servers)
{
        /* What was never opened has a zero for a descriptor. */
        if (state->options & RES_INIT)
                res_nclose(state);
        if (res_ninit(state) < 0)
                return -ENOMEM;
        state->options &= ~(unsigned long)(RES_DEFNAMES | RES_DNSRCH);
        state->options |= RES_NOALIASES | RES_NORELOAD;
        if (servers->count > 0 || state->retrans > RETRY_SECONDS_MAX)
                state->retrans = NAME_LOOKUP_RETRY_SECONDS;
        if (servers->count > 0 || state->retry > NAME_LOOKUP_TRIES)
                state->retry = NAME_LOOKUP_TRIES;
        for (size_t i = 0; i < servers->count; i++) {
                if (put_server(state, (int)i, &servers->addresses[i]) < 0)
                        return -ENOMEM;
                state->nscount = (int)i + 1;
        }
        return 0;
}

static void say(NameAnswer *answer, int error, const char *sentence)
{
        answer->error = -error;
        snprintf(answer->sentence, sizeof(answer->sentence), "%s", sentence);
}

/* What getaddrinfo() said, and after how long. */
static void take_failure(int failure, int error, bool was_quick, NameAnswer *answer)
{
        switch (failure) {
        case EAI_NONAME:
                say(answer, ENOENT, "no such name");
                break;
        case EAI_NODATA:
        case EAI_ADDRFAMILY:
                say(answer, ENOENT, "no address");
                break;
        case EAI_AGAIN:
                /* Silence takes its time to be heard: so they have said that they cannot. */
                say(answer, EAGAIN,
                    was_quick ? "its name servers failed" : "no answer from its name servers");
                break;
        case EAI_MEMORY:
                say(answer, ENOMEM, "no memory for asking name servers");
                break;
        case EAI_SYSTEM:
                answer->error = -(error > 0 ? error : EIO);
                snprintf(answer->sentence, sizeof(answer->sentence), "no name servers asked: %s",
                         strerror(-answer->error));
                break;
        default:
                say(answer, EAGAIN, "its name servers failed");
        }
        answer->is_doubtful = failure != EAI_AGAIN || was_quick;
}

static void take_addresses(const struct addrinfo *found, NameAnswer *answer)
{
        size_t n_v4 = 0, n_v6 = 0;

        for (; found; found = found->ai_next) {
                size_t *n = found->ai_family == AF_INET ? &n_v4 : &n_v6;

                if (*n == CONNECT_ADDRESSES_MAX || found->ai_addrlen > sizeof(InetAddress))
                        continue;
                ++*n;
                memcpy(&answer->addresses[answer->count++], found->ai_addr, found->ai_addrlen);
        }
}

void name_lookup(const char *name, int family, const NameServers *servers, NameAnswer *answer)
{
        const struct addrinfo wanted = {.ai_family = family, .ai_socktype = SOCK_STREAM};
        struct addrinfo *found = NULL;
        uint64_t began = clock_now_ms();
        int r;

        *answer = (NameAnswer){.error = 0};
        if (prepare(&_res, servers) < 0) {
                say(answer, ENOMEM, "no memory for asking name servers");
                return;
        }
        r = getaddrinfo(name, NULL, &wanted, &found);
        if (r != 0) {
                int error = errno;

                take_failure(r, error, clock_now_ms() - began < (uint64_t)_res.retrans * 1000,
                             answer);
                return;
        }
        take_addresses(found, answer);
        freeaddrinfo(found);
        if (answer->count == 0)
                say(answer, ENOENT, "no address");
}
