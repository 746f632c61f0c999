/*
 * Attacks on a daemon: each does one bad thing, as an ordinary user, again and again until it is
 * told to stop or has done it so often. It has nothing from libkyron and holds to none of its
 * rules.
 *
 * `attack KIND --socket PATH` writes "ready" when it has begun to hurt, and at the end one line of
 * JSON: how often it did it. A daemon that refuses it, ends its sessions or lets it wait is no
 * failure of an attack: it tries again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct Attack {
        const char *socket_path;
        uint64_t count;  /* things to do; 0: until told to stop */
        uint64_t random; /* state of random_next() */
        uint64_t done;
        bool has_begun;
        int file_fd; /* what prepare made */
} Attack;

typedef struct AttackKind {
        const char *name;
        const char *things;              /* what it counts */
        bool (*prepare)(Attack *attack); /* NULL; as root where root runs it. False: impossible */
        void (*run)(Attack *attack);
} AttackKind;

/* Ends with an empty one. */
extern const AttackKind attack_floods[];
extern const AttackKind attack_unread[];
extern const AttackKind attack_files[];
extern const AttackKind attack_processes[];
extern const AttackKind attack_packets[];
extern const AttackKind attack_pulses[];
extern const AttackKind attack_names[];
extern const AttackKind attack_limits[];

/* False once it was told to stop or has done all it was to do. */
bool attack_goes_on(const Attack *attack);
/* So much more is done. The first time it says "ready". */
void attack_count(Attack *attack, uint64_t done);
/* What is no attack if it fails: says so and ends the process. */
void attack_give_up(const char *what);
/* For a child of its own: it dies with its parent, and leaves being told to stop to it. */
void attack_be_child(void);
