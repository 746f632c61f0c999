/* Frames to and from bytes, without malloc. See frame.h. */
#include "proto/frame.h"

#include <errno.h>

static void *arena_alloc(void *data, size_t size)
{
        FrameArena *arena = data;
        size_t start = (arena->used + 15) & ~(size_t)15;

        if (start > sizeof(arena->bytes) || size > sizeof(arena->bytes) - start)
                return NULL;
        arena->used = start + size;
        return arena->bytes + start;
}

static void arena_free(void *data, void *pointer)
{
        /* The arena is emptied as a whole, at the next decode. */
        (void)data;
        (void)pointer;
}

void frame_arena_init(FrameArena *arena)
{
        arena->allocator = (ProtobufCAllocator){
                .alloc = arena_alloc,
                .free = arena_free,
                .allocator_data = arena,
        };
        arena->used = 0;
}

int frame_decode(FrameArena *arena, const void *bytes, size_t size, size_t n_descriptors,
                 Iod__Frame **out)
{
        Iod__Frame *frame;

        arena->used = 0;
        frame = iod__frame__unpack(&arena->allocator, size, bytes);
        if (!frame)
                return error_set(EPROTO, "a packet of %zu bytes is not a frame of iod.proto", size);
        *out = frame;
        if (frame->descriptors != n_descriptors)
                return error_set(EBADMSG, "a packet came with %zu descriptors and announced %u",
                                 n_descriptors, frame->descriptors);
        return 0;
}

int frame_encode(const Iod__Frame *frame, uint8_t bytes[static FRAME_BYTES_MAX])
{
        size_t size = iod__frame__get_packed_size(frame);

        if (size > FRAME_BYTES_MAX)
                return error_set(EMSGSIZE, "a frame of %zu bytes is over the limit of %d", size,
                                 FRAME_BYTES_MAX);
        return (int)iod__frame__pack(frame, bytes);
}

uint32_t frame_unknown_body(const Iod__Frame *frame)
{
        if (frame->body_case != IOD__FRAME__BODY__NOT_SET || frame->base.n_unknown_fields == 0)
                return 0;
        return frame->base.unknown_fields[0].tag;
}

const char *frame_body_name(Iod__Frame__BodyCase body)
{
        const ProtobufCFieldDescriptor *field =
                protobuf_c_message_descriptor_get_field(&iod__frame__descriptor, (unsigned)body);

        return field ? field->name : "nothing";
}
