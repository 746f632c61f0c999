/*
 * proto/: the wire: messages to bytes and back, packets with their descriptors.
 *
 * Frames: one packet's bytes to and from the messages of iod.proto, and the limits both sides
 * keep. Decoding allocates from a FrameArena of fixed size, encoding from nothing, so that the
 * event path never calls malloc and a hostile packet can use no more memory than the arena.
 */
#pragma once

#include "core/error.h"
#include "core/fd_list.h"
#include "core/io_id.h"
#include "proto/iod.pb-c.h"

#include <stddef.h>
#include <stdint.h>

enum {
        FRAME_PROTOCOL_VERSION = 1,
        /* Bytes of one packet. */
        FRAME_BYTES_MAX = 32768,
        /* Sources of one AddIoSource or RemoveIoSource, each with its descriptor. */
        FRAME_SOURCES_MAX = FD_LIST_MAX,
        /* Ids of one AddIoSource that are gone, and as many that are taken. */
        FRAME_IDS_MAX = 512,
        /* Entries of one Readiness. */
        FRAME_EVENTS_MAX = 256,
        /* Bytes of a refusal's sentence, with a terminating zero: 253 of them fit in a packet. */
        FRAME_TEXT_MAX = ERROR_WIRE_MAX + 1,
        /* Bytes of Hello.program. */
        FRAME_PROGRAM_MAX = 32,
        /* Bytes of a note. */
        FRAME_NOTE_MAX = 65536,
        /* Ids that a worker has offered, and were not used yet. */
        FRAME_OFFERED_MAX = 4096,
        /* Requests of one Requests. */
        FRAME_REQUESTS_MAX = 32,
        /* Answers of one Answers, and their descriptors. */
        FRAME_PACKET_ANSWERS_MAX = 64,
        FRAME_ANSWERS_DESCRIPTORS_MAX = 128,
        /* Entries of one Happened. */
        FRAME_HAPPENINGS_MAX = 48,
        /* Entries of one page of Sessions or Registrations. */
        FRAME_PAGE_MAX = 128,
        /* What decoding the fullest legitimate frame needs, with room (test_frame.c). */
        FRAME_ARENA_BYTES = 128 * 1024,
};

typedef struct FrameArena {
        ProtobufCAllocator allocator;
        size_t used;
        _Alignas(16) uint8_t bytes[FRAME_ARENA_BYTES];
} FrameArena;

void frame_arena_init(FrameArena *arena);

/*
 * Decodes a packet that came with n_descriptors. *out lives in the arena until the next decode.
 * 0, or with error_text(): -EPROTO the bytes are no frame, -EBADMSG the descriptors are not as
 * many as the frame says, and *out is there for its sequence. A frame whose body is unknown is no
 * error: body_case is NOT_SET.
 */
int frame_decode(FrameArena *arena, const void *bytes, size_t size, size_t n_descriptors,
                 Iod__Frame **out);

/* Encodes into bytes. Returns the size, or -EMSGSIZE. */
int frame_encode(const Iod__Frame *frame, uint8_t bytes[static FRAME_BYTES_MAX]);

/* The number of the field that holds a body this side does not know; 0 when there is none. */
uint32_t frame_unknown_body(const Iod__Frame *frame);

/* The body's name as in iod.proto: "add_io_source"; "nothing" when there is none. */
const char *frame_body_name(Iod__Frame__BodyCase body);
