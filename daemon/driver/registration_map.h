/*
 * RegistrationMap: registrations by slot, in memory that goes by how many there are, whichever
 * slots they have and however many there were.
 *
 * A tree of nodes with up to 64 children each, six bits of the slot a level. A node has no more
 * than the children in use: one bit for each that there is, and the array of these, which doubles
 * when it is full and is halved when half of it would do. Where all slots below one are in use, as
 * those of a client that takes the lowest free one, a child's place is its number, and a
 * registration costs little more than itself; alone in its part of the tree it costs an array in
 * each level.
 *
 * Whatever is done takes a step a level, and moves at most one array of each. A registration moves
 * when others of its node come and go: a pointer to it is good until then.
 */
#pragma once

#include "daemon/driver/registration_info.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct RegistrationNode RegistrationNode;
struct RegistrationNode {
        uint64_t used; /* a bit for each child there is */
        union {
                RegistrationNode *nodes;
                RegistrationInfo *infos; /* of the lowest level */
        };
};

typedef struct RegistrationMap {
        RegistrationNode root;
        unsigned shift; /* of a slot, for its child of the root */
} RegistrationMap;

/* Slots run from 0 to limit - 1. */
void registration_map_init(RegistrationMap *map, uint32_t limit);
void registration_map_deinit(RegistrationMap *map);

/* The registration in a slot below the limit; NULL. */
RegistrationInfo *registration_map_find(const RegistrationMap *map, uint32_t slot);
/* Puts one into a free slot. 0 or -ENOMEM. */
int registration_map_insert(RegistrationMap *map, uint32_t slot, const RegistrationInfo *info);
/* Takes out the one that is in the slot. */
void registration_map_remove(RegistrationMap *map, uint32_t slot);
/* The first at or after *slot, which is set to its slot; NULL at the end. */
RegistrationInfo *registration_map_next(const RegistrationMap *map, uint32_t *slot);

/* Takes out whatever there is, so many arrays of up to 64 a call. Whether that was all. */
bool registration_map_clear_some(RegistrationMap *map, uint32_t arrays);
