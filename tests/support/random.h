/*
 * Random numbers that are the same in every run (splitmix64), so that a failing test fails again;
 * and an assertion for loops of many thousands, where ck_assert() would take most of the time by
 * noting each place it passes.
 */
#pragma once

#include <check.h>
#include <stddef.h>
#include <stdint.h>

#define ASSERT_IN_LOOP(condition)                                                                  \
        do {                                                                                       \
                if (!(condition))                                                                  \
                        ck_abort_msg("%s", #condition);                                            \
        } while (0)

static inline uint64_t random_next(uint64_t *state)
{
        uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        return z ^ z >> 31;
}

/* 0 to below - 1. */
static inline uint32_t random_below(uint64_t *state, uint32_t below)
{
        return (uint32_t)(random_next(state) % below);
}

static inline void random_bytes(uint64_t *state, uint8_t *bytes, size_t size)
{
        for (size_t i = 0; i < size; i++)
                bytes[i] = (uint8_t)random_next(state);
}
