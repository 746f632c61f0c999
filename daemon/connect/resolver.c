/* The addresses of host names, asked for on threads. See resolver.h. */
#include "daemon/connect/resolver.h"

#include "core/clock.h"
#include "core/error.h"

#include <errno.h>
#include <search.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct Lookup Lookup;

struct ResolverQuestion {
        TAILQ_ENTRY(ResolverQuestion) link;
        Lookup *lookup;
        ResolverAnswered answered;
        void *data;
};

/* A name that is asked for, or was: of one and the same the newest is known by it. */
struct Lookup {
        BlockingTask task;        /* first */
        TAILQ_ENTRY(Lookup) link; /* of those asked for, or of the answers */
        Resolver *resolver;       /* NULL: it has closed */
        bool is_known;            /* in Resolver.known */
        bool is_answer;           /* and its answer counts */
        uint64_t answered_ms;     /* since when */
        atomic_ullong begun_ms;   /* by a thread; 0: not yet */
        TAILQ_HEAD(, ResolverQuestion) questions;
        uid_t uid;
        int family;
        char name[ADDRESS_HOST_MAX];
        NameServers servers;
        NameAnswer answer;
};

struct Resolver {
        BlockingPool *pool;
        NameServers servers;
        void *known; /* tsearch(3) tree of Lookup by name and family */
        TAILQ_HEAD(, Lookup) asked;
        TAILQ_HEAD(, Lookup) answers; /* the oldest first */
        size_t n_answers;
};

/* ---- What is known ------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
        const Lookup *first = a, *second = b;

        return first->family != second->family ? first->family - second->family
                                               : strcmp(first->name, second->name);
}

static Lookup *find_known(const Resolver *resolver, const char *name, int family)
{
        Lookup key = {.family = family};
        Lookup *const *found;

        snprintf(key.name, sizeof(key.name), "%s", name);
        found = tfind(&key, &resolver->known, compare);
        return found ? *found : NULL;
}

static void make_unknown(Resolver *resolver, Lookup *lookup)
{
        if (lookup->is_known)
                tdelete(lookup, &resolver->known, compare);
        lookup->is_known = false;
}

static void forget_answer(Resolver *resolver, Lookup *lookup)
{
        make_unknown(resolver, lookup);
        TAILQ_REMOVE(&resolver->answers, lookup, link);
        resolver->n_answers--;
        free(lookup);
}

static void forget_old_answers(Resolver *resolver)
{
        uint64_t now = clock_now_ms();
        Lookup *oldest;

        while ((oldest = TAILQ_FIRST(&resolver->answers)) &&
               now - oldest->answered_ms > RESOLVER_ANSWER_MS)
                forget_answer(resolver, oldest);
}

static void keep_answer(Resolver *resolver, Lookup *lookup)
{
        if (resolver->n_answers == RESOLVER_ANSWERS_MAX)
                forget_answer(resolver, TAILQ_FIRST(&resolver->answers));
        lookup->is_answer = true;
        lookup->answered_ms = clock_now_ms();
        TAILQ_INSERT_TAIL(&resolver->answers, lookup, link);
        resolver->n_answers++;
}

/* ---- Asking -------------------------------------------------------------------------------- */

/* On a thread. */
static void run(BlockingTask *task)
{
        Lookup *lookup = (Lookup *)task;

        atomic_store(&lookup->begun_ms, clock_now_ms());
        name_lookup(lookup->name, lookup->family, &lookup->servers, &lookup->answer);
}

static void done(BlockingTask *task, int error)
{
        Lookup *lookup = (Lookup *)task;
        Resolver *resolver = lookup->resolver;
        ResolverQuestion *question;

        (void)error; /* the pool closes after the resolver */
        if (!resolver) {
                free(lookup);
                return;
        }
        TAILQ_REMOVE(&resolver->asked, lookup, link);
        while ((question = TAILQ_FIRST(&lookup->questions))) {
                ResolverAnswered answered = question->answered;
                void *data = question->data;

                TAILQ_REMOVE(&lookup->questions, question, link);
                free(question);
                answered(data, &lookup->answer);
        }
        if (lookup->is_known && (lookup->answer.error == 0 || lookup->answer.error == -ENOENT)) {
                keep_answer(resolver, lookup);
                return;
        }
        make_unknown(resolver, lookup);
        free(lookup);
}

static bool may_join(const Lookup *lookup, uid_t uid)
{
        uint64_t begun = atomic_load(&lookup->begun_ms);

        return begun == 0 ? lookup->uid == uid : clock_now_ms() - begun <= RESOLVER_JOIN_MS;
}

/* A lookup of its own for the user, known instead of another. */
static int start(Resolver *resolver, uid_t uid, const char *name, int family, Lookup **out)
{
        Lookup *before = find_known(resolver, name, family);
        Lookup *lookup = calloc(1, sizeof(*lookup));
        int r;

        if (!lookup)
                return error_set(ENOMEM, "no memory for a question");
        *lookup = (Lookup){
                .task = {.run = run, .done = done},
                .resolver = resolver,
                .uid = uid,
                .family = family,
                .servers = resolver->servers,
        };
        TAILQ_INIT(&lookup->questions);
        snprintf(lookup->name, sizeof(lookup->name), "%s", name);
        if (before)
                make_unknown(resolver, before);
        if (!tsearch(lookup, &resolver->known, compare)) {
                free(lookup);
                return error_set(ENOMEM, "no memory for a question");
        }
        lookup->is_known = true;
        r = blocking_pool_spawn(resolver->pool, uid, &lookup->task);
        if (r < 0) {
                make_unknown(resolver, lookup);
                free(lookup);
                return r;
        }
        TAILQ_INSERT_TAIL(&resolver->asked, lookup, link);
        *out = lookup;
        return 0;
}

int resolver_ask(Resolver *resolver, uid_t uid, const char *name, int family,
                 const NameAnswer **answer, ResolverAnswered answered, void *data,
                 ResolverQuestion **out)
{
        ResolverQuestion *question;
        Lookup *lookup;
        int r = 0;

        *out = NULL;
        forget_old_answers(resolver);
        lookup = find_known(resolver, name, family);
        if (lookup && lookup->is_answer) {
                *answer = &lookup->answer;
                return 1;
        }
        question = malloc(sizeof(*question));
        if (!question)
                return error_set(ENOMEM, "no memory for a question");
        if (!lookup || !may_join(lookup, uid))
                r = start(resolver, uid, name, family, &lookup);
        if (r < 0) {
                free(question);
                return r;
        }
        *question = (ResolverQuestion){.lookup = lookup, .answered = answered, .data = data};
        TAILQ_INSERT_TAIL(&lookup->questions, question, link);
        *out = question;
        return 0;
}

void resolver_give_up(ResolverQuestion *question)
{
        Lookup *lookup = question->lookup;
        Resolver *resolver = lookup->resolver;

        TAILQ_REMOVE(&lookup->questions, question, link);
        free(question);
        if (!TAILQ_EMPTY(&lookup->questions) ||
            !blocking_pool_withdraw(resolver->pool, &lookup->task))
                return;
        make_unknown(resolver, lookup);
        TAILQ_REMOVE(&resolver->asked, lookup, link);
        free(lookup);
}

/* ---- Opening and closing ------------------------------------------------------------------- */

int resolver_open(Resolver **out, BlockingPool *pool, const Address *name_servers, size_t n)
{
        Resolver *resolver = calloc(1, sizeof(*resolver));

        if (!resolver)
                return error_set(ENOMEM, "no memory for the resolver");
        resolver->pool = pool;
        TAILQ_INIT(&resolver->asked);
        TAILQ_INIT(&resolver->answers);
        resolver_set_name_servers(resolver, name_servers, n);
        *out = resolver;
        return 0;
}

void resolver_set_name_servers(Resolver *resolver, const Address *name_servers, size_t n)
{
        name_servers_set(&resolver->servers, name_servers, n);
}

Resolver *resolver_close(Resolver *resolver)
{
        Lookup *lookup;
        ResolverQuestion *question;

        if (!resolver)
                return NULL;
        while ((lookup = TAILQ_FIRST(&resolver->answers)))
                forget_answer(resolver, lookup);
        while ((lookup = TAILQ_FIRST(&resolver->asked))) {
                while ((question = TAILQ_FIRST(&lookup->questions))) {
                        TAILQ_REMOVE(&lookup->questions, question, link);
                        free(question);
                }
                make_unknown(resolver, lookup);
                TAILQ_REMOVE(&resolver->asked, lookup, link);
                lookup->resolver = NULL;
                if (blocking_pool_withdraw(resolver->pool, &lookup->task))
                        free(lookup);
        }
        free(resolver);
        return NULL;
}
