/* Neighbours in a tree. See tree.h. */
#include "core/tree.h"

#include <search.h>
#include <stddef.h>

typedef struct Search {
        TreeCompare compare;
        const void *key;
        const void **found;
} Search;

static int go_after(const void *data, const void *element)
{
        const Search *search = data;

        if (search->compare(search->key, element) >= 0)
                return 1;
        *search->found = element;
        return -1;
}

static int go_before(const void *data, const void *element)
{
        const Search *search = data;

        if (search->compare(search->key, element) <= 0)
                return -1;
        *search->found = element;
        return 1;
}

void *tree_after(void *const *root, const void *key, TreeCompare compare)
{
        const void *found = NULL;
        const Search search = {.compare = compare, .key = key, .found = &found};

        tfind(&search, root, go_after);
        return (void *)found;
}

void *tree_before(void *const *root, const void *key, TreeCompare compare)
{
        const void *found = NULL;
        const Search search = {.compare = compare, .key = key, .found = &found};

        tfind(&search, root, go_before);
        return (void *)found;
}
