/* Requests from a fuzzer's input. See request.h. */
#include "tests/fuzz/request.h"

#include "tests/fuzz/packet.h"
#include "tests/support/inner_server.h"

#include <string.h>

enum {
        /* Of messages: a frame, its body, and the options in that. */
        DEPTH_MAX = 3,
        /* Of a Frame's fields: how many descriptors, and sequence. The others are its bodies. */
        FIRST_BODY = 2,
};

static uint64_t take_source(FuzzInput *input)
{
        static const Readiness interests[] = {
                READINESS_READABLE,
                READINESS_WRITABLE,
                READINESS_READABLE | READINESS_WRITABLE,
                READINESS_INTERESTS,
        };
        uint8_t byte = fuzz_take_byte(input);

        return raw_source(byte % 8, 1 + byte / 8 % 8, interests[byte / 64]);
}

static size_t put_sources(RawBytes *out, FuzzInput *input, unsigned field)
{
        size_t n = fuzz_take_byte(input) % (FUZZ_DESCRIPTORS_MAX + 1);
        uint64_t sources[FUZZ_DESCRIPTORS_MAX];

        for (size_t i = 0; i < n; i++)
                sources[i] = take_source(input);
        raw_put_packed(out, field, sources, n);
        return n;
}

/* Where a listener is, or might be. */
static const char *take_address(FuzzInput *input)
{
        static const char *const places[] = {
                "",
                "tcp:127.0.0.1:0",
                "udp:127.0.0.1:0",
                "tcp:127.0.0.1:1",
                "tcp:localhost:0",
                "unix:@kyron-fuzz",
        };
        const size_t count = sizeof(places) / sizeof(places[0]);
        size_t i = fuzz_take_byte(input) % (2 * count);
        const Listener *listener;

        if (i < count)
                return places[i];
        TAILQ_FOREACH(listener, &inner.daemon->listeners.list, link)
        {
                if (i-- == count)
                        return listener->address;
        }
        return "";
}

static const char *take_word(FuzzInput *input)
{
        static const char *const words[] = {"a", "b", "web", "", "listen", "connect", "hold"};

        return words[fuzz_take_byte(input) % (sizeof(words) / sizeof(words[0]))];
}

static void put_text(RawBytes *out, FuzzInput *input, const ProtobufCFieldDescriptor *field)
{
        bool is_place = strcmp(field->name, "address") == 0 || strcmp(field->name, "object") == 0;
        const char *text = is_place ? take_address(input) : take_word(input);

        raw_put_bytes(out, field->id, text, strlen(text));
}

/* How many of the packet's descriptors are a request's, which is one of several. */
static size_t put_count(RawBytes *out, FuzzInput *input, unsigned field)
{
        size_t n = fuzz_take_byte(input) % 3;

        raw_put_number(out, field, n);
        return n;
}

/* Every field of a message. Returns how many descriptors it names. */
static size_t put_fields(RawBytes *out, FuzzInput *input, const ProtobufCMessageDescriptor *type,
                         size_t depth)
{
        static RawBytes messages[DEPTH_MAX];
        size_t n_descriptors = 0;

        for (unsigned i = 0; i < type->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &type->fields[i];

                switch (field->type) {
                case PROTOBUF_C_TYPE_STRING:
                        put_text(out, input, field);
                        break;
                case PROTOBUF_C_TYPE_FIXED64:
                        if (field->label != PROTOBUF_C_LABEL_REPEATED)
                                raw_put_fixed64(out, field->id, take_source(input));
                        else if (strcmp(field->name, "source") == 0)
                                n_descriptors = put_sources(out, input, field->id);
                        else
                                put_sources(out, input, field->id);
                        break;
                case PROTOBUF_C_TYPE_MESSAGE:
                        if (depth == DEPTH_MAX || fuzz_take_byte(input) % 2 == 0)
                                break;
                        messages[depth].size = 0;
                        n_descriptors +=
                                put_fields(&messages[depth], input, field->descriptor, depth + 1);
                        raw_put_bytes(out, field->id, messages[depth].bytes, messages[depth].size);
                        break;
                default:
                        if (strcmp(field->name, "descriptors") == 0)
                                n_descriptors += put_count(out, input, field->id);
                        else
                                raw_put_number(out, field->id, fuzz_take_byte(input));
                }
        }
        return n_descriptors;
}

size_t fuzz_make_request(FuzzInput *input, uint8_t *out, size_t *n_descriptors)
{
        static RawBytes frame, body;
        const ProtobufCMessageDescriptor *frames = &iod__frame__descriptor;
        unsigned i = FIRST_BODY + fuzz_take_byte(input) % (frames->n_fields - FIRST_BODY);
        uint32_t sequence = fuzz_take_byte(input) % 8;
        size_t n;

        frame.size = body.size = 0;
        n = put_fields(&body, input, frames->fields[i].descriptor, 1);
        switch (frames->fields[i].id) {
        case IOD__FRAME__BODY_ADD_IO_SOURCE:
        case IOD__FRAME__BODY_REMOVE_IO_SOURCE:
        case IOD__FRAME__BODY_REQUESTS:
                *n_descriptors = n;
                break;
        case IOD__FRAME__BODY_HOLD:
                *n_descriptors = 1 + fuzz_take_byte(input) % 2;
                break;
        default:
                *n_descriptors = 0;
        }
        raw_put_frame(&frame, (uint32_t)*n_descriptors, sequence, frames->fields[i].id, &body);
        FUZZ_REQUIRE(frame.size <= FRAME_BYTES_MAX);
        memcpy(out, frame.bytes, frame.size);
        return frame.size;
}
