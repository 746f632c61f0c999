/* What was meant. See near_word.h. */
#include "ctl/near_word.h"

#include <stddef.h>
#include <string.h>

enum { LETTERS_MAX = 32 };

static unsigned least(unsigned a, unsigned b)
{
        return a < b ? a : b;
}

/* How many letters are to be put in, left out, changed or swapped with their neighbour to make one
 * word of the other: the row of each letter is made of the two before. */
static unsigned distance_between(const char *one, const char *other)
{
        unsigned rows[3][LETTERS_MAX + 1];
        unsigned *before = rows[0], *last = rows[1], *row = rows[2];
        const size_t n = strlen(one), m = strlen(other);

        for (unsigned j = 0; j <= m; j++)
                last[j] = j;
        for (size_t i = 1; i <= n; i++) {
                unsigned *free_row = before;

                row[0] = (unsigned)i;
                for (size_t j = 1; j <= m; j++) {
                        row[j] = least(least(last[j], row[j - 1]) + 1,
                                       last[j - 1] + (one[i - 1] != other[j - 1]));
                        if (i > 1 && j > 1 && one[i - 1] == other[j - 2] &&
                            one[i - 2] == other[j - 1])
                                row[j] = least(row[j], before[j - 2] + 1);
                }
                before = last;
                last = row;
                row = free_row;
        }
        return last[m];
}

/* So many mistakes may be in a word of that length. */
static unsigned mistakes_in(size_t length)
{
        return length < 3 ? 0 : length < 6 ? 1 : 2;
}

void near_word_try(NearWord *near, const char *candidate)
{
        const size_t typed = strlen(near->typed);
        unsigned distance;

        if (typed < 2 || typed > LETTERS_MAX || strlen(candidate) > LETTERS_MAX)
                return;
        /* Somebody who types less than the word. */
        if (strncmp(candidate, near->typed, typed) == 0)
                distance = 1;
        else
                distance = distance_between(near->typed, candidate);
        if (distance > mistakes_in(typed) && strncmp(candidate, near->typed, typed) != 0)
                return;
        if (near->nearest && distance >= near->distance)
                return;
        near->nearest = candidate;
        near->distance = distance;
}
