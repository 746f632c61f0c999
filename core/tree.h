/*
 * What the trees of search.h have no function for: the neighbour of a place that may be empty.
 *
 * The way down to where something would be passes its neighbours, and of those the last on either
 * side is the next one.
 */
#pragma once

/* As tsearch(3) has them: key is compared with an element. */
typedef int (*TreeCompare)(const void *key, const void *element);

/* The first element after key, or the last before it, in the order of compare, which the tree was
 * made by. NULL: there is none. */
void *tree_after(void *const *root, const void *key, TreeCompare compare);
void *tree_before(void *const *root, const void *key, TreeCompare compare);
