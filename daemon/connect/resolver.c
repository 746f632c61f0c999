/* Host names to addresses. See resolver.h. */
#include "daemon/connect/resolver.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/connect/loop_memory.h"
#include "daemon/loop/loop.h"
#include "daemon/process/log.h"

#include <assert.h>
#include <errno.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>

enum {
        /* How often to look whether retired name servers can go, while there are any. */
        SWEEP_MS = 100,
};

typedef struct NameServers {
        TAILQ_ENTRY(NameServers) link; /* in Resolver.retired */
        Resolver *resolver;
        struct evdns_base *dns;
        unsigned long failures; /* of libevent's allocations, before */
        TAILQ_HEAD(, ResolverQuestion) questions;
} NameServers;

struct ResolverQuestion {
        TAILQ_ENTRY(ResolverQuestion) link;
        NameServers *servers;
        struct evdns_request *request;
        ResolverAnswered answered; /* NULL: given up */
        void *data;
};

struct Resolver {
        Loop *loop;
        ResolverFiles files;
        char **name_servers;
        size_t n_name_servers;
        NameServers *servers; /* NULL: none read yet */
        struct stat read_from;
        TAILQ_HEAD(, NameServers) retired;
        LoopEvent *sweep;
        bool closed;
};

/* evdns's own words, which would else go to standard error. */
static void on_evdns_log(int is_warning, const char *message)
{
        log_daemon(is_warning ? LOG_NOTICE : LOG_DEBUG, "name servers: %s", message);
}

static Resolver *resolver_free(Resolver *resolver)
{
        loop_event_free(resolver->sweep);
        for (size_t i = 0; resolver->name_servers && i < resolver->n_name_servers; i++)
                free(resolver->name_servers[i]);
        free(resolver->name_servers);
        free(resolver);
        return NULL;
}

static void servers_free(NameServers *servers)
{
        ResolverQuestion *question;

        if (servers && servers->dns)
                evdns_base_free(servers->dns, 0);
        while (servers && (question = TAILQ_FIRST(&servers->questions))) {
                TAILQ_REMOVE(&servers->questions, question, link);
                free(question);
        }
        free(servers);
}

/* Whether evdns may have lost a question: without memory to call back for it, it frees the question
 * all the same, and says nothing. */
static bool may_have_lost(const NameServers *servers)
{
        return loop_memory_failures() != servers->failures;
}

/* Whether nobody waits for them any more. What was given up may never be called back for. */
static bool are_over(const NameServers *servers)
{
        const ResolverQuestion *question;

        TAILQ_FOREACH(question, &servers->questions, link)
        {
                if (question->answered || !may_have_lost(servers))
                        return false;
        }
        return true;
}

/* Frees retired name servers that nothing in the loop points to, and then perhaps the resolver. */
static void sweep(Resolver *resolver)
{
        const struct timeval later = {.tv_usec = SWEEP_MS * 1000};
        bool callbacks_wait =
                event_base_get_num_events(resolver->loop->base, EVENT_BASE_COUNT_ACTIVE) > 0;
        NameServers *servers = TAILQ_FIRST(&resolver->retired);

        while (servers) {
                NameServers *next = TAILQ_NEXT(servers, link);

                if (!callbacks_wait && are_over(servers)) {
                        TAILQ_REMOVE(&resolver->retired, servers, link);
                        servers_free(servers);
                }
                servers = next;
        }
        /* Without memory for it, the next ones to retire take these with them. */
        if (!TAILQ_EMPTY(&resolver->retired))
                loop_event_add(resolver->sweep, &later);
        else if (resolver->closed)
                resolver_free(resolver);
}

static void on_sweep(evutil_socket_t fd, short what, void *data)
{
        (void)fd;
        (void)what;
        sweep(data);
}

static void retire(Resolver *resolver)
{
        const struct timeval at_once = {0};

        if (!resolver->servers)
                return;
        TAILQ_INSERT_TAIL(&resolver->retired, resolver->servers, link);
        resolver->servers = NULL;
        loop_event_add(resolver->sweep, &at_once);
}

static int set_options(struct evdns_base *dns)
{
        char in_flight[16];
        char tries[16];
        char seconds[16];

        snprintf(in_flight, sizeof(in_flight), "%d", RESOLVER_QUESTIONS_MAX);
        snprintf(tries, sizeof(tries), "%d", RESOLVER_TRIES);
        snprintf(seconds, sizeof(seconds), "%d", RESOLVER_RETRY_SECONDS);
        return evdns_base_set_option(dns, "max-inflight:", in_flight) < 0 ||
                               evdns_base_set_option(dns, "attempts:", tries) < 0 ||
                               evdns_base_set_option(dns, "timeout:", seconds) < 0 ||
                               evdns_base_set_option(dns, "randomize-case:", "1") < 0
                       ? -ENOMEM
                       : 0;
}

/* The servers that were given, or else the file's. What evdns cannot use it says in the log. */
static void add_servers(Resolver *resolver, struct evdns_base *dns)
{
        for (size_t i = 0; i < resolver->n_name_servers; i++)
                evdns_base_nameserver_ip_add(dns, resolver->name_servers[i]);
        /* Without a server in the file evdns would ask this machine's, and wait for an answer. */
        if (resolver->n_name_servers == 0)
                evdns_base_resolv_conf_parse(
                        dns, DNS_OPTION_NAMESERVERS | DNS_OPTION_NAMESERVERS_NO_DEFAULT,
                        resolver->files.resolv_conf);
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
        return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
               a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Sees to it that there are name servers, and that they are those of the file as it is now. */
static int find_servers(Resolver *resolver)
{
        struct stat now = {0};
        NameServers *servers;

        if (resolver->n_name_servers == 0 && stat(resolver->files.resolv_conf, &now) < 0)
                memset(&now, 0, sizeof(now));
        if (resolver->servers &&
            (!is_same_file(&now, &resolver->read_from) || may_have_lost(resolver->servers)))
                retire(resolver);
        /* None could be opened then, perhaps now. Nothing waits in the loop for none. */
        if (resolver->servers && evdns_base_count_nameservers(resolver->servers->dns) == 0)
                servers_free(STEAL_PTR(resolver->servers));
        if (resolver->servers)
                return 0;
        servers = calloc(1, sizeof(*servers));
        if (servers) {
                TAILQ_INIT(&servers->questions);
                servers->failures = loop_memory_failures();
                servers->dns = evdns_base_new(resolver->loop->base, 0);
        }
        if (!servers || !servers->dns || set_options(servers->dns) < 0) {
                servers_free(servers);
                return error_set(ENOMEM, "no memory for asking name servers");
        }
        servers->resolver = resolver;
        add_servers(resolver, servers->dns);
        resolver->servers = servers;
        resolver->read_from = now;
        return 0;
}

static int copy_name_servers(Resolver *resolver, char *const *name_servers, size_t n)
{
        struct sockaddr_storage address;

        if (n == 0)
                return 0;
        resolver->name_servers = calloc(n, sizeof(*resolver->name_servers));
        if (!resolver->name_servers)
                return error_set(ENOMEM, "no memory for the name servers' addresses");
        for (size_t i = 0; i < n; i++) {
                int size = sizeof(address);

                if (evutil_parse_sockaddr_port(name_servers[i], (struct sockaddr *)&address,
                                               &size) < 0)
                        return error_set(EINVAL, "a name server is ADDRESS or ADDRESS:PORT, not %s",
                                         name_servers[i]);
                resolver->name_servers[i] = strdup(name_servers[i]);
                if (!resolver->name_servers[i])
                        return error_set(ENOMEM, "no memory for the name servers' addresses");
                resolver->n_name_servers = i + 1;
        }
        return 0;
}

int resolver_open(Resolver **out, Loop *loop, const ResolverFiles *files, char *const *name_servers,
                  size_t n)
{
        Resolver *resolver = calloc(1, sizeof(*resolver));
        int r;

        if (!resolver)
                return error_set(ENOMEM, "no memory for the resolver");
        resolver->loop = loop;
        resolver->files = *files;
        TAILQ_INIT(&resolver->retired);
        resolver->sweep = loop_timer_new(loop, on_sweep, resolver);
        r = resolver->sweep ? copy_name_servers(resolver, name_servers, n)
                            : error_set(ENOMEM, "no memory for the resolver");
        if (r < 0) {
                resolver_free(resolver);
                return r;
        }
        loop_memory_watch();
        evdns_set_log_fn(on_evdns_log);
        *out = resolver;
        return 0;
}

Resolver *resolver_close(Resolver *resolver)
{
        NameServers *servers;
        ResolverQuestion *question;

        if (!resolver)
                return NULL;
        retire(resolver);
        resolver->closed = true;
        TAILQ_FOREACH(servers, &resolver->retired, link)
        {
                TAILQ_FOREACH(question, &servers->questions, link)
                resolver_give_up(question);
        }
        sweep(resolver);
        return NULL;
}

static int copy_answer(char type, int count, const void *addresses, ResolverAnswer *answer)
{
        const struct in_addr *v4 = addresses;
        const struct in6_addr *v6 = addresses;

        *answer = (ResolverAnswer){.count = 0};
        for (int i = 0; i < count && answer->count < CONNECT_ADDRESSES_MAX; i++) {
                InetAddress *address = &answer->addresses[answer->count++];

                if (type == DNS_IPv4_A) {
                        address->v4.sin_family = AF_INET;
                        address->v4.sin_addr = v4[i];
                } else {
                        address->v6.sin6_family = AF_INET6;
                        address->v6.sin6_addr = v6[i];
                }
        }
        return answer->count > 0 ? 0 : -ENOENT;
}

static int failure_of(int result)
{
        if (result == DNS_ERR_NOTEXIST)
                return error_set(ENOENT, "no such name");
        if (result == DNS_ERR_NODATA || result == DNS_ERR_NONE)
                return error_set(ENOENT, "no address");
        /* A server's failure too: evdns takes it for silence in the end. */
        if (result == DNS_ERR_TIMEOUT)
                return error_set(EAGAIN, "no answer from its name servers");
        return error_set(EAGAIN, "its name servers failed (%s)", evdns_err_to_string(result));
}

static void on_evdns_answer(int result, char type, int count, int seconds, void *addresses,
                            void *data)
{
        ResolverQuestion *question = data;
        NameServers *servers = question->servers;
        ResolverAnswered answered = question->answered;
        void *answered_data = question->data;
        ResolverAnswer answer = {.count = 0};
        int r = -ENOENT;

        (void)seconds;
        turn_begin(&servers->resolver->loop->turn); /* evdns's event, and not one of ours */
        TAILQ_REMOVE(&servers->questions, question, link);
        free(question);
        /* After what waits in the loop now. */
        if (servers != servers->resolver->servers && TAILQ_EMPTY(&servers->questions))
                loop_event_activate(servers->resolver->sweep);
        if (!answered)
                return;
        if (result == DNS_ERR_NONE)
                r = copy_answer(type, count, addresses, &answer);
        if (r < 0)
                r = failure_of(result);
        answered(answered_data, r, &answer);
}

int resolver_ask(Resolver *resolver, const char *name, int family, ResolverAnswer *answer,
                 ResolverAnswered answered, void *data, ResolverQuestion **out)
{
        ResolverQuestion *question;
        int r;

        *out = NULL;
        if (hosts_file_find(resolver->files.hosts, name, family, answer->addresses,
                            CONNECT_ADDRESSES_MAX, &answer->count))
                return 1;
        r = find_servers(resolver);
        if (r < 0)
                return r;
        assert(resolver->servers);
        if (evdns_base_count_nameservers(resolver->servers->dns) == 0)
                return error_set(EAGAIN, "no name server to ask, see %s",
                                 resolver->n_name_servers ? "the configuration"
                                                          : resolver->files.resolv_conf);
        question = calloc(1, sizeof(*question));
        if (!question)
                return error_set(ENOMEM, "no memory for a question");
        question->servers = resolver->servers;
        question->answered = answered;
        question->data = data;
        question->request = (family == AF_INET ? evdns_base_resolve_ipv4 : evdns_base_resolve_ipv6)(
                resolver->servers->dns, name, DNS_QUERY_NO_SEARCH, on_evdns_answer, question);
        if (!question->request) {
                free(question);
                return error_set(ENOENT, "no name servers can be asked for");
        }
        TAILQ_INSERT_TAIL(&resolver->servers->questions, question, link);
        *out = question;
        return 0;
}

void resolver_give_up(ResolverQuestion *question)
{
        NameServers *servers = question->servers;

        if (!question->answered)
                return;
        question->answered = NULL;
        /* It calls back from the loop, if nothing else is about to. One that may be lost goes with
         * its servers. */
        if (!may_have_lost(servers))
                evdns_cancel_request(servers->dns, question->request);
        else if (servers == servers->resolver->servers)
                retire(servers->resolver);
}
