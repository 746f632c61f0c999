/*
 * Name services of the test program's own, for all of the process: they answer what the test says,
 * and hang until it lets them go on. To be included by one source file of a program.
 *
 * A host that has a '.' has the address 192.0.2.1, and 2001:db8::1 where IPv6 is asked for; others
 * are not known. User 4711 is "user", of the groups 4711 and 4712; nobody else is known.
 */
#pragma once

#include "client/kyron.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <pthread.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { STUB_UID = 4711, STUB_GROUP = 4712 };

typedef struct StubNames {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        bool hang;   /* who comes now waits, */
        int hanging; /* as so many do */
        int begun, ended;
        pthread_t loop; /* nobody may come from there */
        bool loop_asked;
        int host_error; /* EAI_… for every host; 0: as above */
        int account_error;
} StubNames;

static StubNames stub_names = {
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .changed = PTHREAD_COND_INITIALIZER,
};

static inline void stub_names_open(void)
{
        pthread_mutex_lock(&stub_names.lock);
        stub_names.loop = pthread_self();
        stub_names.hang = stub_names.loop_asked = false;
        stub_names.begun = stub_names.ended = 0;
        stub_names.host_error = stub_names.account_error = 0;
        pthread_mutex_unlock(&stub_names.lock);
}

static inline void stub_names_hang(bool hang)
{
        pthread_mutex_lock(&stub_names.lock);
        stub_names.hang = hang;
        pthread_cond_broadcast(&stub_names.changed);
        pthread_mutex_unlock(&stub_names.lock);
}

/* Until so many have come. */
static inline void stub_names_await(int begun)
{
        pthread_mutex_lock(&stub_names.lock);
        while (stub_names.begun < begun)
                pthread_cond_wait(&stub_names.changed, &stub_names.lock);
        pthread_mutex_unlock(&stub_names.lock);
}

static inline int stub_names_begun(void)
{
        int begun;

        pthread_mutex_lock(&stub_names.lock);
        begun = stub_names.begun;
        pthread_mutex_unlock(&stub_names.lock);
        return begun;
}

static inline bool stub_names_loop_asked(void)
{
        bool asked;

        pthread_mutex_lock(&stub_names.lock);
        asked = stub_names.loop_asked;
        pthread_mutex_unlock(&stub_names.lock);
        return asked;
}

/* host_error or account_error. */
static inline int stub_names_enter(const int *which)
{
        int error;

        pthread_mutex_lock(&stub_names.lock);
        stub_names.begun++;
        if (pthread_equal(pthread_self(), stub_names.loop))
                stub_names.loop_asked = true;
        pthread_cond_broadcast(&stub_names.changed);
        while (stub_names.hang && !stub_names.loop_asked)
                pthread_cond_wait(&stub_names.changed, &stub_names.lock);
        stub_names.ended++;
        error = *which;
        pthread_mutex_unlock(&stub_names.lock);
        return error;
}

/* ---- Hosts --------------------------------------------------------------------------------- */

typedef struct StubAddress {
        struct addrinfo info; /* first */
        struct sockaddr_storage address;
} StubAddress;

static inline struct addrinfo *stub_names_address(int family, struct addrinfo *next)
{
        StubAddress *address = calloc(1, sizeof(*address));
        struct sockaddr_in *v4 = (struct sockaddr_in *)&address->address;
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address->address;

        address->address.ss_family = (sa_family_t)family;
        if (family == AF_INET)
                inet_pton(family, "192.0.2.1", &v4->sin_addr);
        else
                inet_pton(family, "2001:db8::1", &v6->sin6_addr);
        address->info = (struct addrinfo){
                .ai_family = family,
                .ai_addr = (struct sockaddr *)&address->address,
                .ai_addrlen = family == AF_INET ? sizeof(*v4) : sizeof(*v6),
                .ai_next = next,
        };
        return &address->info;
}

KYRON_PUBLIC int getaddrinfo(const char *host, const char *service, const struct addrinfo *wanted,
                             struct addrinfo **found)
{
        int error = stub_names_enter(&stub_names.host_error);

        (void)service;
        *found = NULL;
        if (error != 0)
                return error;
        if (!strchr(host, '.'))
                return EAI_NONAME;
        if (wanted->ai_family != AF_INET6)
                *found = stub_names_address(AF_INET, *found);
        if (wanted->ai_family != AF_INET)
                *found = stub_names_address(AF_INET6, *found);
        return 0;
}

KYRON_PUBLIC void freeaddrinfo(struct addrinfo *found)
{
        while (found) {
                struct addrinfo *next = found->ai_next;

                free(found);
                found = next;
        }
}

/* ---- Users and groups ---------------------------------------------------------------------- */

KYRON_PUBLIC int getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t size,
                            struct passwd **found)
{
        int error = stub_names_enter(&stub_names.account_error);

        (void)buffer;
        (void)size;
        *found = NULL;
        if (error != 0)
                return error;
        if (uid != STUB_UID)
                return 0;
        *entry = (struct passwd){.pw_name = (char *)"user", .pw_uid = uid, .pw_gid = STUB_UID};
        *found = entry;
        return 0;
}

KYRON_PUBLIC int getgrouplist(const char *user, gid_t group, gid_t *groups, int *n)
{
        (void)user;
        stub_names_enter(&stub_names.account_error);
        groups[0] = group;
        groups[1] = STUB_GROUP;
        *n = 2;
        return 2;
}

KYRON_PUBLIC int getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t size,
                            struct passwd **found)
{
        (void)name;
        (void)entry;
        (void)buffer;
        (void)size;
        *found = NULL;
        return stub_names_enter(&stub_names.account_error);
}

KYRON_PUBLIC int getgrnam_r(const char *name, struct group *entry, char *buffer, size_t size,
                            struct group **found)
{
        (void)name;
        (void)entry;
        (void)buffer;
        (void)size;
        *found = NULL;
        return stub_names_enter(&stub_names.account_error);
}

KYRON_PUBLIC int getservbyname_r(const char *name, const char *protocol, struct servent *entry,
                                 char *buffer, size_t size, struct servent **found)
{
        (void)name;
        (void)protocol;
        (void)entry;
        (void)buffer;
        (void)size;
        stub_names_enter(&stub_names.account_error);
        *found = NULL;
        return 0;
}
