/* Forged packets. See forgery.h. */
#include "tests/torture/forgery.h"

#include "core/io_id.h"
#include "tests/support/random.h"

#include <stddef.h>
#include <string.h>

enum {
        RECORDED = 64,
        SCRATCH_BYTES = 65536,
        REPEATED_MAX = 4,
        SLOTS = 64,
        CHANGES_MAX = 8,
        GARBAGE_MAX = 600,
};

static const char *const texts[] = {
        "",
        "attack",
        "a name that is longer than names may be, by quite a bit, on and on",
        "web",
        "tcp:127.0.0.1:9",
        "tcp:name.test:9",
        "udp:127.0.0.1:0",
        "*",
        "unix:@attack",
        "tcp:[::1]:65536",
        "\n",
        "connect",
        "listen",
};

/* Sent already. */
static AttackPacket recorded[RECORDED];
static size_t recorded_count, recorded_next;

/* Of the frame being made. */
static _Alignas(16) uint8_t scratch[SCRATCH_BYTES];
static size_t scratch_used;

static void *take_scratch(size_t size)
{
        void *bytes = scratch + scratch_used;

        scratch_used += (size + 15) / 16 * 16;
        if (scratch_used > sizeof(scratch))
                attack_give_up("a frame too large");
        return memset(bytes, 0, size);
}

/* Small ones name something at times; large ones are out of bounds. */
static uint64_t some_number(uint64_t *random)
{
        return random_below(random, 4) > 0 ? random_below(random, 8) : random_next(random);
}

static uint64_t some_source(uint64_t *random)
{
        IoId id = io_id_make(random_below(random, SLOTS), 1 + random_below(random, 4));

        if (random_below(random, 8) == 0)
                return random_next(random);
        return io_id_pack(id, (Readiness)random_below(random, READINESS_ALL + 1));
}

static ProtobufCMessage *some_message(const ProtobufCMessageDescriptor *type, uint64_t *random);

static void fill(const ProtobufCFieldDescriptor *field, void *at, uint64_t *random)
{
        switch (field->type) {
        case PROTOBUF_C_TYPE_MESSAGE:
                *(ProtobufCMessage **)at = some_message(field->descriptor, random);
                break;
        case PROTOBUF_C_TYPE_STRING:
                *(const char **)at = texts[random_below(random, sizeof(texts) / sizeof(texts[0]))];
                break;
        case PROTOBUF_C_TYPE_FIXED64:
                *(uint64_t *)at = some_source(random);
                break;
        case PROTOBUF_C_TYPE_UINT64:
                *(uint64_t *)at = some_number(random);
                break;
        case PROTOBUF_C_TYPE_BOOL:
                *(protobuf_c_boolean *)at = random_below(random, 2) == 0;
                break;
        default: /* the others have 32 bits */
                *(uint32_t *)at = (uint32_t)some_number(random);
                break;
        }
}

static size_t size_of(const ProtobufCFieldDescriptor *field)
{
        switch (field->type) {
        case PROTOBUF_C_TYPE_MESSAGE:
        case PROTOBUF_C_TYPE_STRING:
                return sizeof(void *);
        case PROTOBUF_C_TYPE_FIXED64:
        case PROTOBUF_C_TYPE_UINT64:
                return sizeof(uint64_t);
        case PROTOBUF_C_TYPE_BOOL:
                return sizeof(protobuf_c_boolean);
        default:
                return sizeof(uint32_t);
        }
}

/* A message with something in each of its fields: whatever iod.proto has, also what is added. */
static ProtobufCMessage *some_message(const ProtobufCMessageDescriptor *type, uint64_t *random)
{
        ProtobufCMessage *message = take_scratch(type->sizeof_message);

        protobuf_c_message_init(type, message);
        for (unsigned i = 0; i < type->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &type->fields[i];
                uint8_t *at = (uint8_t *)message + field->offset;
                size_t count = random_below(random, REPEATED_MAX + 1), size = size_of(field);

                if (field->label != PROTOBUF_C_LABEL_REPEATED) {
                        fill(field, at, random);
                        continue;
                }
                *(size_t *)((uint8_t *)message + field->quantifier_offset) = count;
                *(uint8_t **)at = take_scratch(count * size);
                for (size_t j = 0; j < count; j++)
                        fill(field, *(uint8_t **)at + j * size, random);
        }
        return message;
}

/* Any body there is, the daemon's own ones too. */
static void make_frame(AttackPacket *packet, uint64_t *random)
{
        const ProtobufCMessageDescriptor *type = &iod__frame__descriptor;
        const ProtobufCFieldDescriptor *body;
        Iod__Frame frame = IOD__FRAME__INIT;
        uint8_t *bytes = (uint8_t *)&frame;

        scratch_used = 0;
        do {
                body = &type->fields[random_below(random, type->n_fields)];
        } while (body->type != PROTOBUF_C_TYPE_MESSAGE);
        frame.sequence = random_below(random, 8);
        frame.body_case = (Iod__Frame__BodyCase)body->id;
        *(ProtobufCMessage **)(bytes + body->offset) = some_message(body->descriptor, random);
        if (frame.body_case == IOD__FRAME__BODY_ADD_IO_SOURCE)
                frame.descriptors = (uint32_t)frame.add_io_source->n_source;
        else if (frame.body_case == IOD__FRAME__BODY_REMOVE_IO_SOURCE)
                frame.descriptors = (uint32_t)frame.remove_io_source->n_source;
        else
                frame.descriptors = random_below(random, 8) == 0;
        attack_packet_encode(packet, &frame);
}

static void change(AttackPacket *packet, uint64_t *random)
{
        for (uint32_t n = 1 + random_below(random, CHANGES_MAX); n > 0; n--)
                packet->bytes[random_below(random, (uint32_t)packet->size)] =
                        (uint8_t)random_next(random);
}

void forgery_make(AttackPacket *packet, uint64_t *random)
{
        uint32_t how = random_below(random, 8);

        if (how < 3 || recorded_count == 0) {
                make_frame(packet, random);
                recorded[recorded_next++ % RECORDED] = *packet;
                if (recorded_count < RECORDED)
                        recorded_count++;
                return;
        }
        *packet = recorded[random_below(random, (uint32_t)recorded_count)];
        if (how == 3) {
                change(packet, random);
        } else if (how == 4) {
                packet->size = 1 + random_below(random, (uint32_t)packet->size);
        } else if (how == 5) {
                packet->descriptors = random_below(random, 4);
        } else if (how == 6) {
                packet->size = 1 + random_below(random, GARBAGE_MAX);
                random_bytes(random, packet->bytes, packet->size);
        }
}
