/*
 * How a healthy client fared for a while, a Spell; and what several of them come to. A machine is
 * not the same from one second to the next: so spells with and without something are taken in
 * turns, and their medians compared.
 */
#pragma once

#include "tests/torture/torture.h"

typedef struct Spell {
        double p50_ms, p99_ms, longest_ms;
} Spell;

/* From here on what it does counts; it begins, if it has rested. */
void spell_begin(Process *client, Result *result);
/* Until here. False: it has ended, which is broken then. */
bool spell_end(Process *client, Spell *spell, Result *result);
void spell_last(int ms);

/* The medians of n, and the longest of all. */
Spell spell_median(const Spell *spells, int n);

/* p99 to p99; 0: there is none. */
double spell_ratio(Spell quiet, Spell other);
