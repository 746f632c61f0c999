/*
 * Input: the bytes a fuzzer hands over, taken from the front. What is asked for beyond their end is
 * 0 or empty, so that every input means something.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct FuzzInput {
        const uint8_t *bytes;
        size_t size;
} FuzzInput;

static inline uint8_t fuzz_take_byte(FuzzInput *input)
{
        if (input->size == 0)
                return 0;
        input->size--;
        return *input->bytes++;
}

/* Up to max bytes, as many as the next two say: how many, with *out. */
static inline size_t fuzz_take_bytes(FuzzInput *input, size_t max, const uint8_t **out)
{
        size_t size = (size_t)fuzz_take_byte(input) << 8;

        size |= fuzz_take_byte(input);
        if (size > max)
                size = max;
        if (size > input->size)
                size = input->size;
        *out = input->bytes;
        input->bytes += size;
        input->size -= size;
        return size;
}

/* What every fuzzer is: called by libFuzzer, or by standalone_main.c. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* For what must hold whatever the input is: ends the program, and with it shows the input. */
#define FUZZ_REQUIRE(condition) ((condition) ? (void)0 : __builtin_trap())
