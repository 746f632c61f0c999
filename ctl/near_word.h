/*
 * NearWord: which of the words there are somebody meant who mistyped one. Each word there is is
 * tried in turn; the nearest is told, if any is near enough to be meant.
 */
#pragma once

typedef struct NearWord {
        const char *typed;
        const char *nearest; /* of those tried; NULL: none is near */
        unsigned distance;
} NearWord;

/* Begins: .typed is set, and the rest zero. */
void near_word_try(NearWord *near, const char *candidate);
