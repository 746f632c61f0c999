/* Registrations by slot. See registration_map.h. */
#include "daemon/driver/registration_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LEVEL_BITS = 6, LEVEL_MASK = (1 << LEVEL_BITS) - 1 };

void registration_map_init(RegistrationMap *map, uint32_t limit)
{
        *map = (RegistrationMap){.shift = 0};
        while (limit > 0 && (limit - 1) >> map->shift > LEVEL_MASK)
                map->shift += LEVEL_BITS;
}

void registration_map_deinit(RegistrationMap *map)
{
        registration_map_clear_some(map, UINT32_MAX);
}

/* ---- A node's children --------------------------------------------------------------------- */

static unsigned child_of(uint32_t slot, unsigned shift)
{
        return slot >> shift & LEVEL_MASK;
}

static bool has(const RegistrationNode *node, unsigned child)
{
        return node->used >> child & 1;
}

static unsigned count_of(uint64_t used)
{
        return (unsigned)__builtin_popcountll(used);
}

/* Where the child is in the array, or would be. */
static unsigned place_of(const RegistrationNode *node, unsigned child)
{
        uint64_t below = (UINT64_C(1) << child) - 1;

        return (node->used & below) == below ? child : count_of(node->used & below);
}

/* The array has the next power of two; at one, it is full. */
static bool is_full(unsigned count)
{
        return (count & (count - 1)) == 0;
}

/* Makes room for a child in the node, whose items have this size. NULL: no memory. */
static void *add_child(RegistrationNode *node, unsigned child, size_t size)
{
        unsigned count = count_of(node->used), place = place_of(node, child);
        char *items = (char *)node->infos;

        if (is_full(count)) {
                items = reallocarray(items, count > 0 ? 2 * (size_t)count : 1, size);
                if (!items)
                        return NULL;
                node->infos = (RegistrationInfo *)items;
        }
        memmove(items + (place + 1) * size, items + place * size, (count - place) * size);
        node->used |= UINT64_C(1) << child;
        return items + place * size;
}

/* Into another array, so that what is left of the larger one is whole, for others; without the
 * memory for it, not now. */
static void shrink(RegistrationNode *node, unsigned count, size_t size)
{
        void *items = count > 0 ? malloc(count * size) : NULL;

        if (count > 0 && !items)
                return;
        if (items)
                memcpy(items, node->infos, count * size);
        free(node->infos);
        node->infos = items;
}

static void drop_child(RegistrationNode *node, unsigned child, size_t size)
{
        unsigned count = count_of(node->used) - 1, place = place_of(node, child);
        char *items = (char *)node->infos;

        memmove(items + place * size, items + (place + 1) * size, (count - place) * size);
        node->used &= ~(UINT64_C(1) << child);
        if (is_full(count))
                shrink(node, count, size);
}

/* ---- The way down -------------------------------------------------------------------------- */

RegistrationInfo *registration_map_find(const RegistrationMap *map, uint32_t slot)
{
        const RegistrationNode *node = &map->root;

        for (unsigned shift = map->shift;; shift -= LEVEL_BITS) {
                unsigned child = child_of(slot, shift);

                if (!has(node, child))
                        return NULL;
                if (shift == 0)
                        return &node->infos[place_of(node, child)];
                node = &node->nodes[place_of(node, child)];
        }
}

/* Below the node, which has nothing if it is new and there was no memory. */
static int insert(RegistrationNode *node, unsigned shift, uint32_t slot,
                  const RegistrationInfo *info)
{
        unsigned child = child_of(slot, shift);
        RegistrationNode *below;
        int r;

        if (shift == 0) {
                RegistrationInfo *place = add_child(node, child, sizeof(*info));

                if (!place)
                        return -ENOMEM;
                *place = *info;
                return 0;
        }
        if (has(node, child)) {
                below = &node->nodes[place_of(node, child)];
        } else {
                below = add_child(node, child, sizeof(*below));
                if (!below)
                        return -ENOMEM;
                *below = (RegistrationNode){.used = 0};
        }
        r = insert(below, shift - LEVEL_BITS, slot, info);
        if (below->used == 0)
                drop_child(node, child, sizeof(*below));
        return r;
}

int registration_map_insert(RegistrationMap *map, uint32_t slot, const RegistrationInfo *info)
{
        return insert(&map->root, map->shift, slot, info);
}

static void take_out(RegistrationNode *node, unsigned shift, uint32_t slot)
{
        unsigned child = child_of(slot, shift);
        RegistrationNode *below;

        if (shift == 0) {
                drop_child(node, child, sizeof(RegistrationInfo));
                return;
        }
        below = &node->nodes[place_of(node, child)];
        take_out(below, shift - LEVEL_BITS, slot);
        if (below->used == 0)
                drop_child(node, child, sizeof(*below));
}

void registration_map_remove(RegistrationMap *map, uint32_t slot)
{
        take_out(&map->root, map->shift, slot);
}

/* The first of the node at or after *slot. */
static RegistrationInfo *next(const RegistrationNode *node, unsigned shift, uint32_t *slot)
{
        uint64_t from = node->used & UINT64_MAX << child_of(*slot, shift);
        uint32_t base = *slot >> shift & ~(uint32_t)LEVEL_MASK;

        for (; from != 0; from &= from - 1) {
                unsigned child = (unsigned)__builtin_ctzll(from);
                uint32_t first = (base | child) << shift;
                RegistrationInfo *info;

                if (first > *slot)
                        *slot = first;
                if (shift == 0)
                        return &node->infos[place_of(node, child)];
                info = next(&node->nodes[place_of(node, child)], shift - LEVEL_BITS, slot);
                if (info)
                        return info;
        }
        return NULL;
}

RegistrationInfo *registration_map_next(const RegistrationMap *map, uint32_t *slot)
{
        return *slot >> map->shift <= LEVEL_MASK ? next(&map->root, map->shift, slot) : NULL;
}

/* Whether nothing is left below the node. */
static bool clear_some(RegistrationNode *node, unsigned shift, uint32_t *arrays)
{
        while (shift > 0 && node->used != 0) {
                unsigned last = count_of(node->used) - 1;

                if (!clear_some(&node->nodes[last], shift - LEVEL_BITS, arrays))
                        return false;
                node->used &= ~(UINT64_C(1) << (63 - __builtin_clzll(node->used)));
        }
        if (*arrays == 0)
                return false;
        --*arrays;
        free(node->infos);
        *node = (RegistrationNode){.used = 0};
        return true;
}

bool registration_map_clear_some(RegistrationMap *map, uint32_t arrays)
{
        return clear_some(&map->root, map->shift, &arrays);
}
