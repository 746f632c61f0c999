/*
 * Requests that make sense, put together from a fuzzer's input: every frame that iod.proto has,
 * with so few ids, names and addresses that one meets what another has made.
 */
#pragma once

#include "tests/fuzz/input.h"

/* Writes one to out, which has room for any, and says how many descriptors it needs; its size. */
size_t fuzz_make_request(FuzzInput *input, uint8_t *out, size_t *n_descriptors);
