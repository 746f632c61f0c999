/*
 * daemon/config/: what was written and who may; asks no session.
 *
 * Configuration: kyron-iod.conf and conf.d/ *.conf beside it, read with libconfuse.
 *
 * A file is read whole and checked whole before any of it counts; a mistake names file and line,
 * and what was probably meant. The result is constant but for config_settle(); a reload makes
 * another.
 *
 * A policy whose user or group nobody knows is no mistake: it is for nobody until somebody does,
 * and the rest counts.
 *
 * Of a setting that is in several files the last counts. A listener is in one of them only.
 * Policies add up.
 */
#pragma once

#include "core/address.h"
#include "core/name.h"
#include "daemon/config/options.h"
#include "daemon/config/policy.h"

enum {
        CONFIG_GROUP_NAME_MAX = 63, /* bytes, without a zero */
        CONFIG_NAME_SERVERS_MAX = 3,

        CONFIG_DESCRIPTORS_MAX = 16384,
        CONFIG_SESSIONS_PER_SECOND = 1000,
        CONFIG_SILENT_MS = 10000,
        CONFIG_KEEP_SECONDS = 30,
        CONFIG_SOCKET_MODE = 0666,
        /* What those may be set to. */
        CONFIG_DESCRIPTORS_LIMIT = 1000000,
        CONFIG_SESSIONS_PER_SECOND_LIMIT = 1000000,
        CONFIG_BACKLOG_LIMIT = 65535,
        CONFIG_SILENT_MS_LIMIT = 600000,
};

/* A listener: configured, or asked for by a client. */
typedef struct ListenerConfig {
        char name[LISTENER_NAME_MAX + 1];
        Address address;
        bool shared;  /* else it is there to be taken */
        bool metrics; /* shared, and served by the daemon itself: it tells who connects its metrics
                       */
        bool when_readable;
        bool least_loaded; /* else in turn */
        bool v6_only;
        bool reuse_address;
        bool nodelay;
        bool keepalive;
        uint32_t backlog;      /* 0: the kernel's largest */
        uint32_t silent_ms;    /* first bytes have to come within, when_readable */
        uint32_t keep_seconds; /* after the last worker; configured ones stay for ever */
        uint32_t mode;         /* of a Unix socket's file */
        uid_t user;            /* whose it is: the daemon's, or a client's */
        /* Of a path, the bytes that the policy names, a directory; 0: all is the administrator's.
         */
        uint32_t fixed;
} ListenerConfig;

typedef struct Config {
        ListenerConfig *listeners;
        size_t n_listeners;
        Policy *policy;
        size_t n_policies; /* blocks of it in the files */
        /* Limits of the daemon, as the options of the command line, which win where given. */
        uint32_t sessions_max;
        uint32_t sessions_per_user_max;
        uint32_t registrations_per_session_max;
        uint32_t registrations_per_user_max;
        /* New sessions of one user. */
        uint32_t sessions_per_second;
        /* Descriptors the daemon may keep: connections not taken yet, held ones, connects. */
        uint32_t descriptors_max;
        int log_level;
        char admin_group[CONFIG_GROUP_NAME_MAX + 1];
        /* What is left out for now, a sentence each: policies of users and groups that nobody
         * knows, and links to no file. */
        char **warnings;
        size_t n_warnings;
        /* To be asked: numbers. None: as the machine does. */
        Address name_servers[CONFIG_NAME_SERVERS_MAX];
        size_t n_name_servers;
} Config;

/* A listener of which nothing is said. */
void listener_config_init(ListenerConfig *listener);
/* Whether one socket serves both: the rest can be changed while it is open. */
bool listener_config_same_socket(const ListenerConfig *a, const ListenerConfig *b);

/*
 * Reads path and conf.d/ *.conf in its directory, in order of name. May wait for their file system,
 * and for the name service where users, groups and services are named; for any thread. A missing
 * path is no mistake unless must_exist, and then everything has its default; is_private: a daemon
 * of one user, where without a rule that user may do everything. 0, or with error_text()
 * "FILE:LINE: what is wrong": -EINVAL, -ENOENT, -EACCES, -ENOMEM, and -EPERM for a file that others
 * may write while the daemon is root. An empty path and /dev/null are no file at all.
 */
int config_load(Config **out, const char *path, bool must_exist, bool is_private);
/* Returns NULL. */
Config *config_free(Config *config);

/* The command line wins: the configuration takes over what was given there, and the options what
 * was not. */
void config_settle(Config *config, Options *options);

/* Tells every difference between two configurations, a sentence each ("listener web: backlog 128,
 * was 64"). */
void config_compare(const Config *old_config, const Config *new_config,
                    void (*tell)(void *data, const char *sentence), void *data);
