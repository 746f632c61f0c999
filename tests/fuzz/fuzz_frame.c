/*
 * The frame decoder with any bytes and any number of descriptors beside them. What it accepts can
 * be encoded, and is the same frame after it.
 */
#include "proto/frame.h"
#include "tests/fuzz/input.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        static FrameArena arena, other_arena;
        uint8_t encoded[FRAME_BYTES_MAX], again[FRAME_BYTES_MAX];
        FuzzInput input = {.bytes = bytes, .size = size};
        size_t n_descriptors = fuzz_take_byte(&input);
        Iod__Frame *frame, *same;
        int n;

        frame_arena_init(&arena);
        frame_arena_init(&other_arena);
        if (frame_decode(&arena, input.bytes, input.size, n_descriptors, &frame) < 0)
                return 0;
        FUZZ_REQUIRE(frame->descriptors == n_descriptors);
        frame_body_name(frame->body_case);
        n = frame_encode(frame, encoded);
        /* Numbers may be longer than they need be, and illegal field numbers are no longer seen for
         * what they are once they are not: nothing is said of those. */
        if (n < 0 || (size_t)n != input.size)
                return 0;
        FUZZ_REQUIRE(frame_decode(&other_arena, encoded, (size_t)n, n_descriptors, &same) == 0);
        FUZZ_REQUIRE(same->body_case == frame->body_case && same->sequence == frame->sequence);
        FUZZ_REQUIRE(frame_encode(same, again) == n && memcmp(encoded, again, (size_t)n) == 0);
        return 0;
}
